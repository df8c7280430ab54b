// Which Ingresses ask for routes? Those that are ours by their class, each read once per version of the object, and all of them
// again when the defaults of all are others (globals.ts).
import { type ClassRules, isOurs } from '../../ingress-class.ts'
import type { Ingress, IngressClass } from '../../kube/objects.ts'
import { ingressClasses, ingresses } from '../../kube/resources.ts'
import { diffLists, editList } from '../../list-diff.ts'
import { isMapping } from '../shapes.ts'
import type { Reading, RouteSource, SourceOutput } from '../source.ts'
import { type ReadAnnotations, readIngress } from './claims.ts'
import { Globals, type IngressSettings } from './globals.ts'
import { leftOut } from './left-out.ts'
import { asSkipper } from './like-skipper.ts'

/** What an Ingress of somebody else asks of us. */
const notOurs: Reading = { claims: [], problems: [] }

/** Creates the source of the Ingresses that `classRules` say are ours. */
export function createIngressSource(
  classRules: ClassRules,
  readAnnotations: ReadAnnotations,
  settings: IngressSettings = {},
): RouteSource {
  const globals = new Globals(settings)
  let list: readonly Ingress[] = []
  let classes: readonly IngressClass[] = []
  /** Item by item those of `list`. */
  let readings: readonly Reading[] = []
  let output: SourceOutput = { readings }

  function read(ingress: Ingress): Reading {
    const isReadable = isMapping(ingress) && isOurs(ingress, classes, classRules)
    if (!isReadable) return notOurs
    const problem = leftOut(ingress, settings.disableCatchAll === true, globals.defaults)
    if (problem !== undefined) return { claims: [], problems: [problem] }
    const reading = readIngress(ingress, readAnnotations, globals.defaults)
    return settings.like === 'skipper' ? asSkipper(reading) : reading
  }

  /** Other classes: any Ingress may have become ours, or no longer be. */
  function readAgain(edited: readonly Reading[]): readonly Reading[] {
    return list.map((ingress, index) => {
      const reading = edited[index]
      if (reading === undefined || reading === notOurs) return read(ingress)
      return isOurs(ingress, classes, classRules) ? reading : notOurs
    })
  }

  return {
    kinds: globals.kinds,
    read(snapshot) {
      const { areDefaultsOther, isReadingOther } = globals.read(snapshot)
      const nextList = snapshot.list(ingresses)
      const nextClasses = snapshot.list(ingressClasses)
      const edits = diffLists(list, nextList)
      const areClassesOther = diffLists(classes, nextClasses).length > 0
      list = nextList
      classes = nextClasses
      const areSame = edits.length === 0 && !areClassesOther && !areDefaultsOther
      if (areSame && !isReadingOther) return output
      if (areDefaultsOther) readings = list.map(read)
      else if (!areSame) {
        const edited = editList(readings, edits, read)
        readings = areClassesOther ? readAgain(edited) : edited
      }
      const ofGlobals = globals.reading
      const { serving } = globals.defaults
      output = {
        readings: ofGlobals === undefined ? readings : [ofGlobals, ...readings],
        ...(serving === undefined ? {} : { serving }),
      }
      return output
    },
  }
}
