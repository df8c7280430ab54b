// How objects that anybody may have written are read without trust: every value is unknown until it was looked at.
//
// Invariant: nothing here throws, whatever the shape; what does not fit is undefined and the caller reports it.
import type { Problem, ProblemReason } from '../problem.ts'

export type Mapping = Readonly<Record<string, unknown>>

/** The object that a problem is about. */
export interface Owner {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** Notes one problem of the object that is being read; `field` is a JSON path. */
export type Report = (reason: ProblemReason, field: string, message: string, remedy: string) => void

/** Makes a Report that collects into `problems`. */
export function reportTo(problems: Problem[], owner: Owner): Report {
  const { kind, namespace, name } = owner
  return (reason, field, message, remedy) => {
    problems.push({ reason, kind, namespace, name, field, message, remedy })
  }
}

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** YAML's empty value and an absent key mean the same. */
export function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null
}

/** Gives the value when it is a mapping, else an empty one. */
export function mappingOf(value: unknown): Mapping {
  return isMapping(value) ? value : {}
}

/** Gives the value when it is a list, else an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Gives the value when it is a text that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535
}

/** Shows a value in a message: short, one line. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 120 ? `${text.slice(0, 117)}...` : text
}

/** Namespace and name of an object; a manifest without namespace means `default`, as kubectl does. */
export function identityOf(object: unknown): { namespace: string; name: string | undefined } {
  const metadata = mappingOf(mappingOf(object).metadata)
  return { namespace: textOf(metadata.namespace) ?? 'default', name: textOf(metadata.name) }
}
