// Which Ingresses ask for routes? Those that are ours by their class, each read once per version of the object.
import { type ClassRules, isOurs } from '../../ingress-class.ts'
import type { Ingress, IngressClass } from '../../kube/objects.ts'
import { ingressClasses, ingresses } from '../../kube/resources.ts'
import type { WatchedKind } from '../../kube/snapshot.ts'
import { diffLists, editList } from '../../list-diff.ts'
import { isMapping } from '../shapes.ts'
import type { Reading, RouteSource, SourceOutput } from '../source.ts'
import { type ReadAnnotations, readIngress } from './claims.ts'

/** The kinds that an Ingress source reads. */
const kinds: readonly WatchedKind[] = [
  { resource: ingresses, isOptional: false },
  // A Role of one namespace cannot allow a cluster-wide kind.
  { resource: ingressClasses, isOptional: true },
]

/** What an Ingress of somebody else asks of us. */
const notOurs: Reading = { claims: [], problems: [] }

/** Creates the source of the Ingresses that `classRules` say are ours. */
export function createIngressSource(
  classRules: ClassRules,
  readAnnotations: ReadAnnotations,
): RouteSource {
  let list: readonly Ingress[] = []
  let classes: readonly IngressClass[] = []
  /** The readings belong to `list` item by item. */
  let output: SourceOutput = { readings: [] }

  function read(ingress: Ingress): Reading {
    const isReadable = isMapping(ingress) && isOurs(ingress, classes, classRules)
    return isReadable ? readIngress(ingress, readAnnotations) : notOurs
  }

  /** Other classes: any Ingress may have become ours, or no longer be. */
  function readAgain(readings: readonly Reading[]): readonly Reading[] {
    return list.map((ingress, index) => {
      const reading = readings[index]
      if (reading === undefined || reading === notOurs) return read(ingress)
      return isOurs(ingress, classes, classRules) ? reading : notOurs
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
      const readings = editList(output.readings, edits, read)
      output = { readings: areClassesOther ? readAgain(readings) : readings }
      return output
    },
  }
}
