// Whose Ingress is it? The one answer that the proxy (routing) and the controller (status) share.
//
// Invariant: names are compared exactly, never as patterns, and a class that somebody else's controller owns is never taken.
// Order of the questions: spec.ingressClassName, the legacy annotation, the default class, `watchWithoutClass`.
import type { Ingress, IngressClass } from './kube/objects.ts'

/** Which classes are ours: `--ingress-class`, `--controller-class` and `--watch-ingress-without-class`. */
export interface ClassRules {
  readonly ingressClasses: readonly string[]
  readonly controllerClasses: readonly string[]
  readonly watchWithoutClass: boolean
  /** `--ingress-class-by-name`: the name of a class is enough, whatever controller its object names. */
  readonly byName?: boolean
}

/** The annotation that named the class before there was a field for it. */
export const legacyAnnotation = 'kubernetes.io/ingress.class'
const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class'

/** Tells whether an Ingress is ours. Total: a misshapen Ingress or class is simply not ours, nothing is thrown. */
export function isOurs(
  ingress: Ingress,
  classes: readonly IngressClass[],
  rules: ClassRules,
): boolean {
  // An empty name says nothing: the API server refuses it, manifests may hold it.
  const named: unknown = ingress?.spec?.ingressClassName
  if (named !== undefined && named !== null && named !== '') {
    const object = classes.find((candidate) => candidate?.metadata?.name === named)
    // Only while no such object exists, or where the operator says so, does the name alone decide.
    const isNamed = typeof named === 'string' && rules.ingressClasses.includes(named)
    if (object === undefined) return isNamed
    return hasOurController(object, rules) || (rules.byName === true && isNamed)
  }
  const legacy = annotatedClass(ingress)
  if (legacy !== undefined && legacy !== null && legacy !== '') {
    return typeof legacy === 'string' && rules.ingressClasses.includes(legacy)
  }
  return rules.watchWithoutClass || classes.some((candidate) => isOurDefault(candidate, rules))
}

/** Gives the class that an Ingress names, by its spec or else by the annotation; empty when it names none. */
export function namedClass(ingress: Ingress): string {
  return textOf(ingress?.spec?.ingressClassName) || textOf(annotatedClass(ingress))
}

/**
 * Tells whether an Ingress names a class that is somebody else's: an IngressClass of another controller, or another name
 * in the annotation. A class whose object is missing is nobody's: it may only have been deleted for a moment.
 */
export function isOthers(
  ingress: Ingress,
  classes: readonly IngressClass[],
  rules: ClassRules,
): boolean {
  const name = namedClass(ingress)
  if (name === '' || isOurs(ingress, classes, rules)) return false
  const object = classes.find((candidate) => candidate?.metadata?.name === name)
  if (object !== undefined) return !hasOurController(object, rules)
  return textOf(ingress?.spec?.ingressClassName) === ''
}

function annotatedClass(ingress: Ingress): unknown {
  return ingress?.metadata?.annotations?.[legacyAnnotation]
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isOurDefault(object: IngressClass, rules: ClassRules): boolean {
  return (
    hasOurController(object, rules) && object.metadata?.annotations?.[defaultAnnotation] === 'true'
  )
}

function hasOurController(object: IngressClass, rules: ClassRules): boolean {
  const controller: unknown = object?.spec?.controller
  return typeof controller === 'string' && rules.controllerClasses.includes(controller)
}
