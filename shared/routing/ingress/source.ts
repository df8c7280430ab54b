// Which Ingresses ask for routes? Those that are ours by their class, each read once per version of the object.
import { type ClassRules, isOurs } from '../../ingress-class.ts'
import type { Ingress, IngressClass } from '../../kube/objects.ts'
import { ingressClasses, ingresses } from '../../kube/resources.ts'
import type { WatchedKind } from '../../kube/snapshot.ts'
import { diffLists, editList } from '../list-diff.ts'
import { isMapping } from '../shapes.ts'
import type { Reading, RouteSource, SourceOutput } from '../source.ts'
import { type ReadAnnotations, readIngress } from './claims.ts'

/** The kinds that an Ingress source reads. */
const kinds: readonly WatchedKind[] = [
  { resource: ingresses, isOptional: false },
  // A Role of one namespace cannot allow a cluster-wide kind.
  { resource: ingressClasses, isOptional: true },
]

/** Creates the source of the Ingresses that `classRules` say are ours. */
export function createIngressSource(
  classRules: ClassRules,
  readAnnotations: ReadAnnotations,
): RouteSource {
  let list: readonly Ingress[] = []
  let classes: readonly IngressClass[] = []
  /** Belongs to `list` item by item; undefined for those that are not ours. */
  let readings: readonly (Reading | undefined)[] = []
  let output: SourceOutput = { readings: [] }

  function read(ingress: Ingress): Reading | undefined {
    const isReadable = isMapping(ingress) && isOurs(ingress, classes, classRules)
    return isReadable ? readIngress(ingress, readAnnotations) : undefined
  }

  /** Other classes: any Ingress may have become ours, or no longer be. */
  function readAll(): readonly (Reading | undefined)[] {
    const known = new Map(list.map((ingress, index) => [ingress, readings[index]]))
    return list.map((ingress) => {
      const reading = known.get(ingress)
      if (reading === undefined) return read(ingress)
      return isOurs(ingress, classes, classRules) ? reading : undefined
    })
  }

  return {
    kinds,
    read(snapshot) {
      const nextList = snapshot.list(ingresses)
      const nextClasses = snapshot.list(ingressClasses)
      const edits = diffLists(list, nextList)
      const areClassesOther = diffLists(classes, nextClasses).length > 0
      list = nextList
      classes = nextClasses
      if (edits.length === 0 && !areClassesOther) return output
      readings = editList(readings, edits, read)
      if (areClassesOther) readings = readAll()
      output = { readings: readings.filter((reading) => reading !== undefined) }
      return output
    },
  }
}
