// What do options that count for all routes make of each of them?
import t from 'tap'
import { compileRoute, type EskipContext } from './compile.ts'
import { parseFilters, parsePredicates } from './parse.ts'
import { readPredicates } from './predicates/read.ts'

function compile(hosts: readonly string[], filters: string, context: Partial<EskipContext>) {
  const parsed = parseFilters(filters)
  const calls = parsed.ok ? parsed.value : []
  const targets = [{ target: { kind: 'shunt' as const }, weight: 1 }]
  const wish = { hosts, seed: '', predicates: [], filters: calls, targets }
  return compileRoute(wish, { namespace: 'shop', ...context }).routes
}

t.test(
  'hosts within the cluster have the predicates of the operator, others have not',
  async (t) => {
    const parsed = parsePredicates('ClientIP("10.2.0.0/16")')
    const reading = readPredicates(parsed.ok ? parsed.value : [])
    if (!reading.ok) throw new Error('the predicate cannot be read')
    const eastWest = { domains: ['ingress.cluster.local'], match: reading.match }
    const hosts = ['shop.test', 'shop.ingress.cluster.local', 'xingress.cluster.local']
    const [route] = compile(hosts, '', { eastWest })
    t.match(
      route?.matches.map(({ host, conditions }) => [host, conditions.map(({ kind }) => kind)]),
      [
        ['shop.test', []],
        ['shop.ingress.cluster.local', ['source']],
        ['xingress.cluster.local', []],
      ],
    )
  },
)

t.test('filters of the operator stand before and behind those of a route', async (t) => {
  const of = (name: string) => {
    const result = parseFilters(`setRequestHeader("${name}", "1")`)
    return result.ok ? result.value : []
  }
  const context = { prepend: of('X-First'), append: of('X-Last') }
  const [route] = compile(['a.test'], 'setRequestHeader("X-Own", "1")', context)
  const [sequence] = route?.filters ?? []
  t.match(sequence, { filters: [{ name: 'x-first' }, { name: 'x-own' }, { name: 'x-last' }] })
})
