import t from 'tap'
import type { Condition } from '../../conditions/condition.ts'
import { readAnnotations } from './read.ts'

function read(annotations: Readonly<Record<string, string>>) {
  return readAnnotations({ metadata: { namespace: 'shop', name: 'web', annotations } })
}

const get: Condition = { kind: 'method', anyOf: ['GET'] }
const beta: Condition = { kind: 'cookie', name: 'beta', text: { kind: 'present' } }

const understood: readonly {
  readonly given: Readonly<Record<string, string>>
  readonly conditions: readonly Condition[]
  readonly why: string
}[] = [
  { given: {}, conditions: [], why: 'nothing is asked' },
  { given: { 'weir.dev/balance': 'round-robin' }, conditions: [], why: 'nor by other keys' },
  { given: { 'weir.dev/match-method': 'GET' }, conditions: [get], why: 'one key' },
  {
    given: { 'weir.dev/match-cookie': 'beta', 'weir.dev/match-method': 'GET' },
    conditions: [get, beta],
    why: 'several keys must all hold',
  },
]

for (const { given, conditions, why } of understood) {
  t.test(`${JSON.stringify(given)}: ${why}`, async (t) => {
    const { termsFor, problems } = read(given)
    t.same(problems, [])
    t.same(termsFor('/', 'Prefix').conditions, conditions)
    t.notOk('kind' in termsFor('/', 'Prefix').backend, 'the routes are served')
  })
}

const unread: readonly {
  readonly given: Readonly<Record<string, string>>
  readonly conditions: readonly Condition[] | undefined
  readonly says: RegExp
  readonly why: string
}[] = [
  {
    given: { 'weir.dev/match-header': 'X-A: ~(' },
    conditions: undefined,
    says: /"X-A: ~\(" has the line 'X-A: ~\(', which cannot be used.*503/,
    why: 'nobody knows which requests are meant',
  },
  {
    given: { 'weir.dev/match-source': '10.0.0.0/99', 'weir.dev/match-time': '/2026-05-01T00:00Z' },
    conditions: undefined,
    says: /'10\.0\.0\.0\/99' needs a prefix length/,
    why: 'conditions that are read in part would mean other requests',
  },
  {
    given: { 'weir.dev/match-heder': 'X-A: 1' },
    conditions: undefined,
    says: /does not know this annotation.*503/,
    why: 'a slip of the keys',
  },
  {
    given: { 'weir.dev/match-weather': 'sun' },
    conditions: undefined,
    says: /does not know this annotation.*503/,
    why: 'a condition of another version',
  },
  {
    given: { 'zalando.org/skipper-predicate': 'Methd("GET")' },
    conditions: undefined,
    says: /There is no predicate Methd\. Did you mean Method.*503/,
    why: 'a condition of another system',
  },
  {
    given: { 'weir.dev/match-method': 'GET', 'weir.dev/allow-source-ranges': 'x' },
    conditions: [get],
    says: /not an IP address.*503/,
    why: 'requests that are not meant go on to others',
  },
]

for (const { given, conditions, says, why } of unread) {
  t.test(`${JSON.stringify(given)} closes the routes: ${why}`, async (t) => {
    const { termsFor, problems } = read(given)
    const { backend, ...terms } = termsFor('/', 'Prefix')
    t.match(backend, { kind: 'closed' })
    t.same(terms.conditions, conditions)
    t.equal(problems.length, 1)
    t.match(problems[0]?.message, says)
  })
}
