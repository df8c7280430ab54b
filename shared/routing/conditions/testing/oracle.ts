// Conditions by the book: one plain reading of each, for tests to compare with, and conditions and requests to try.
import { hash } from 'node:crypto'
import fc from 'fast-check'
import type { TestRequest } from '../../testing/request-view.ts'
import type { Condition, TextMatch } from '../condition.ts'

/** Says whether a condition means a request. Patterns must mean the same to RE2 and JavaScript. */
export function holdsByTheBook(condition: Condition, request: TestRequest, now: number): boolean {
  switch (condition.kind) {
    case 'method':
      return condition.anyOf.some((name) => name === request.method)
    case 'header':
      if (condition.each === true) {
        const lines = (request.fields ?? []).filter(([name]) => name === condition.name)
        return lines.some(([, value]) => textHolds(condition.text, value))
      }
      return textHolds(condition.text, fieldOf(request, condition.name))
    case 'query':
      if (condition.each === true) {
        const values = new URLSearchParams(request.query).getAll(condition.name)
        return values.some((value) => textHolds(condition.text, value))
      }
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
    case 'chance': {
      const cookie = new Map([...(request.cookies ?? [])].reverse()).get(
        condition.sticky?.cookie ?? '',
      )
      if (cookie !== undefined) return cookie === condition.sticky?.group
      // 1,000,003 is how far a seed spreads the draw.
      return ((request.draw ?? 0) * (1_000_003 + condition.seed)) % 1 < condition.chance
    }
    case 'host':
      return new RegExp(condition.pattern).test(request.host ?? 'a.test')
    case 'path':
      return new RegExp(condition.pattern).test(decodeURIComponent(request.path ?? '/'))
    case 'length': {
      const length = 'bodyLength' in request ? request.bodyLength : 0
      return length !== undefined && condition.from <= length && length < condition.below
    }
    case 'hash':
      return (request.fields ?? []).some(
        ([name, value]) =>
          name === condition.name && condition.anyOf.includes(hash('sha256', value, 'hex')),
      )
    case 'token': {
      const token = fieldOf(request, 'authorization')?.split('.')[1] ?? 'e30'
      const payload: Readonly<Record<string, string>> = JSON.parse(
        Buffer.from(token, 'base64url').toString(),
      )
      const holds = condition.claims.map(({ name, text }) => textHolds(text, payload[name]))
      return condition.needs === 'all' ? holds.every(Boolean) : holds.some(Boolean)
    }
    case 'cron':
      // Those that are tried have a minute alone, and no list.
      return [String(new Date(now).getUTCMinutes()), '*'].includes(
        condition.expression.split(' ')[0] ?? '',
      )
    case 'draining':
    case 'never':
      return false
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
  fc
    .tuple(fc.constantFrom('header', 'query', 'cookie'), name, match)
    .map(([kind, name, text]): Condition => ({ kind, name, text, each: true })),
  fc.tuple(part, fc.nat(100), fc.option(name)).map(
    ([tenths, seed, cookie]): Condition => ({
      kind: 'chance',
      chance: tenths / 10,
      seed,
      ...(cookie === null ? {} : { sticky: { cookie, group: '1' } }),
    }),
  ),
  fc
    .constantFrom('^a', 'test$', '^b[.]test$')
    .map((pattern): Condition => ({ kind: 'host', pattern })),
  fc
    .constantFrom('^/x', 'y$', '^/a b$', '^/$')
    .map((pattern): Condition => ({ kind: 'path', pattern })),
  fc
    .tuple(part, part)
    .filter(([from, below]) => from < below)
    .map(([from, below]): Condition => ({ kind: 'length', from, below })),
  fc
    .tuple(name, value)
    .map(
      ([name, text]): Condition => ({ kind: 'hash', name, anyOf: [hash('sha256', text, 'hex')] }),
    ),
  fc.tuple(fc.constantFrom('all', 'any'), fc.array(fc.tuple(name, match), { minLength: 1 })).map(
    ([needs, claims]): Condition => ({
      kind: 'token',
      needs,
      claims: claims.map(([name, text]) => ({ name, text })),
    }),
  ),
  fc
    .constantFrom('0 * * * *', '1 * * * *', '* * * * *')
    .map((expression): Condition => ({ kind: 'cron', expression })),
  fc.constantFrom<Condition>({ kind: 'draining' }, { kind: 'never' }),
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
  fields: fc
    .tuple(pairs, fc.option(fc.dictionary(name, value)))
    .map(([pairs, claims]) =>
      claims === null
        ? pairs
        : [
            ...pairs,
            [
              'authorization',
              `Bearer e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`,
            ] as const,
          ],
    ),
  cookies: pairs,
  clientAddress: address,
  peerAddress: address,
  host: fc.constantFrom('a.test', 'b.test', 'b.example'),
  path: fc.constantFrom('/', '/x', '/x/y', '/a%20b'),
  bodyLength: fc.constantFrom(undefined, 0, 1, 5, 9),
  draw: fc.integer({ min: 0, max: 99 }).map((percent) => percent / 100),
})
