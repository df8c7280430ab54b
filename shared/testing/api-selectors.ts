// Which objects a label or field selector covers: the grammar of the real API server, as far as Weir uses it.
import { isRecord } from '../kube/error.ts'
import type { KubeObject } from '../kube/objects.ts'

type Test = (object: KubeObject) => boolean

/** Makes a test for both selectors of a request; an empty selector covers everything. */
export function compileSelectors(labels: string, fields: string): Test {
  const tests = [
    ...split(labels).map((term) => labelTest(term)),
    ...split(fields).map((term) => fieldTest(term)),
  ]
  return (object) => tests.every((test) => test(object))
}

/** Cuts at commas that are not within parentheses. */
function split(selector: string): string[] {
  return selector === '' ? [] : selector.split(/,(?![^(]*\))/).map((term) => term.trim())
}

function labelTest(term: string): Test {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term)
  if (set !== null) {
    const [, key = '', operator, list = ''] = set
    const values = list.split(',').map((value) => value.trim())
    return (object) => {
      const value = object.metadata?.labels?.[key]
      const isIn = value !== undefined && values.includes(value)
      return operator === 'in' ? isIn : !isIn
    }
  }
  const pair = /^([^=!\s]+)\s*(!=|==?)\s*(.*)$/.exec(term)
  if (pair !== null) {
    const [, key = '', operator, value] = pair
    return (object) => (object.metadata?.labels?.[key] === value) === (operator !== '!=')
  }
  return term.startsWith('!')
    ? (object) => object.metadata?.labels?.[term.slice(1)] === undefined
    : (object) => object.metadata?.labels?.[term] !== undefined
}

/** Fields that the real API server has indexed besides names, where Weir might ask for them. */
const indexed: Readonly<Record<string, readonly string[]>> = {
  Pod: ['spec.nodeName', 'status.phase', 'status.podIP'],
  Secret: ['type'],
  Node: ['spec.unschedulable'],
}

/** The first field that a kind cannot be selected by. */
export function unknownField(kind: string, fields: string): string | undefined {
  const known = ['metadata.name', 'metadata.namespace', ...(indexed[kind] ?? [])]
  return split(fields)
    .map((term) => term.split(/[=!]/)[0] ?? '')
    .find((path) => !known.includes(path))
}

function fieldTest(term: string): Test {
  const [, path = '', operator, value = ''] = /^([^=!]+)(!=|==?)(.*)$/.exec(term) ?? []
  return (object) => {
    let at: unknown = object
    for (const name of path.split('.')) at = isRecord(at) ? at[name] : undefined
    return ((at ?? '') === value) === (operator !== '!=')
  }
}
