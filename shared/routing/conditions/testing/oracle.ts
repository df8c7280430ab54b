// Conditions by the book: one plain reading of each, for tests to compare with, and conditions and requests to try.
import fc from 'fast-check'
import type { TestRequest } from '../../testing/request-view.ts'
import type { Condition, TextMatch } from '../condition.ts'

/** Says whether a condition means a request. Patterns must mean the same to RE2 and JavaScript. */
export function holdsByTheBook(condition: Condition, request: TestRequest, now: number): boolean {
  switch (condition.kind) {
    case 'method':
      return condition.anyOf.some((name) => name === request.method)
    case 'header':
      return textHolds(condition.text, fieldOf(request, condition.name))
    case 'query':
      return textHolds(
        condition.text,
        new URLSearchParams(request.query).get(condition.name) ?? undefined,
      )
    case 'cookie':
      return textHolds(
        condition.text,
        new Map([...(request.cookies ?? [])].reverse()).get(condition.name),
      )
    case 'source': {
      const address = condition.of === 'peer' ? request.peerAddress : request.clientAddress
      return condition.networks.some((network) => isWithin(address ?? '', network))
    }
    case 'time':
      return condition.fromMs <= now && now < condition.untilMs
    case 'share':
      return condition.from <= (request.draw ?? 0) && (request.draw ?? 0) < condition.below
    case 'not':
      return !holdsByTheBook(condition.condition, request, now)
  }
}

function textHolds(match: TextMatch, text: string | undefined): boolean {
  if (text === undefined) return false
  if (match.kind === 'present') return true
  return match.kind === 'exact' ? text === match.text : new RegExp(match.pattern).test(text)
}

function fieldOf({ fields = [] }: TestRequest, name: string): string | undefined {
  const values = fields.filter((field) => field[0] === name).map((field) => field[1])
  return values.length === 0 ? undefined : values.join(', ')
}

/** IPv4 only: bit for bit. */
function isWithin(address: string, network: string): boolean {
  const [base = '', length = '32'] = network.split('/')
  return bitsOf(address).slice(0, Number(length)) === bitsOf(base).slice(0, Number(length))
}

function bitsOf(address: string): string {
  return address
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('')
}

const value = fc.constantFrom('', '1', '2', '12', 'a b')
const match = fc.oneof(
  fc.constant<TextMatch>({ kind: 'present' }),
  value.map((text): TextMatch => ({ kind: 'exact', text })),
  fc
    .constantFrom('1', '^1', '2$', '^1|2$', '^$', '^[0-9]+$', '(1|a).?')
    .map((pattern): TextMatch => ({ kind: 'regex', pattern })),
)
const name = fc.constantFrom('a', 'b')
const network = fc.constantFrom(
  '10.0.0.0/8',
  '10.1.0.0/16',
  '10.1.2.3',
  '0.0.0.0/0',
  '192.0.2.0/24',
)
const address = fc.constantFrom('10.1.2.3', '10.9.9.9', '192.0.2.1', '203.0.113.7')
const methods = fc.constantFrom('GET', 'POST', 'PUT')
const part = fc.integer({ min: 0, max: 10 })

const plainCondition: fc.Arbitrary<Condition> = fc.oneof(
  fc.uniqueArray(methods, { minLength: 1 }).map((anyOf): Condition => ({ kind: 'method', anyOf })),
  fc
    .tuple(fc.constantFrom('header', 'query', 'cookie'), name, match)
    .map(([kind, name, text]): Condition => ({ kind, name, text })),
  fc.tuple(fc.uniqueArray(network, { minLength: 1, maxLength: 2 }), fc.boolean()).map(
    ([networks, isPeer]): Condition => ({
      kind: 'source',
      networks,
      of: isPeer ? 'peer' : 'client',
    }),
  ),
  fc
    .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 60 }))
    .map(([fromMs, ms]): Condition => ({ kind: 'time', fromMs, untilMs: fromMs + ms })),
  fc
    .tuple(part, part)
    .filter(([from, below]) => from < below)
    .map(([from, below]): Condition => ({ kind: 'share', from: from / 10, below: below / 10 })),
)

/** Conditions without a fault that hold for some requests of arbitraryRequest and not for others. */
export const arbitraryCondition: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 4, arbitrary: plainCondition },
  {
    weight: 1,
    arbitrary: plainCondition.map((condition): Condition => ({ kind: 'not', condition })),
  },
)

const pairs = fc.array(fc.tuple(name, value), { maxLength: 3 })

/** Requests for arbitraryCondition; of every part that conditions ask for. */
export const arbitraryRequest: fc.Arbitrary<TestRequest> = fc.record({
  method: methods,
  query: pairs.map((pairs) => (pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`)),
  fields: pairs,
  cookies: pairs,
  clientAddress: address,
  peerAddress: address,
  draw: fc.integer({ min: 0, max: 99 }).map((percent) => percent / 100),
})
