// Is what `/routes?eskip` shows eskip, whatever the table holds, and does it say what the routes mean?
import t from 'tap'
import type { Condition } from '../../../shared/routing/conditions/condition.ts'
import { tellFault } from '../../../shared/routing/eskip/language.ts'
import { parseEskip } from '../../../shared/routing/eskip/parse.ts'
import { printPredicates } from '../../../shared/routing/eskip/print.ts'
import { emptyMap, withEntries } from '../../../shared/routing/sharded-map.ts'
import type { Route, Upstream } from '../../../shared/routing/table.ts'
import { routesEskip } from './routes-eskip.ts'

function route(
  part: Partial<Route['match']>,
  backend: Route['backend'],
  filters: Route['filters'] = [],
): Route {
  const match = { host: 'a.test', pathType: 'Prefix' as const, path: '/x', conditions: [], ...part }
  return {
    owner: { kind: 'Ingress', namespace: 'shop', name: 'web\n-> <shunt>' },
    match,
    filters,
    backend,
  }
}

const web = { kind: 'forward', choices: [{ upstream: 'web', service: 'web', weight: 1 }] } as const

function shown(routes: readonly Route[], upstreams: readonly Upstream[] = []) {
  const byHost = Map.groupBy(routes, ({ match }) => match.host)
  const hosts = withEntries(emptyMap<readonly Route[]>(), [...byHost])
  const table = {
    hosts,
    upstreams: withEntries(
      emptyMap<Upstream>(),
      upstreams.map((each) => [each.key, each] as const),
    ),
  }
  const text = [...routesEskip(table, undefined)].join('')
  const result = parseEskip(text)
  if (!result.ok) throw new Error(`${tellFault(result)}\n${text}`)
  return { text, routes: result.value }
}

t.test('paths, hosts and conditions have their words', async (t) => {
  const conditions: Condition[] = [
    { kind: 'method', anyOf: ['GET', 'HEAD'] },
    { kind: 'header', name: 'x-a', text: { kind: 'exact', text: '1' } },
    { kind: 'cookie', name: 'beta', text: { kind: 'exact', text: 'o.n' } },
    { kind: 'share', from: 0, below: 0.5 },
    { kind: 'time', fromMs: 0, untilMs: 1 },
  ]
  const { routes, text } = shown([route({ host: '*.a.test', conditions }, web)])
  t.equal(
    printPredicates(routes[0]?.predicates ?? []),
    String.raw`Host(/^[^.]+[.]a[.]test$/) && PathSubtree("/x") && Methods("GET", "HEAD") && Header("x-a", "1") && Cookie("beta", /^o\.n$/) && TrafficSegment(0, 0.5)`,
  )
  t.match(text, /\/\/ predicate \{"kind":"time"/)
  const words = (part: Partial<Route['match']>) =>
    printPredicates(shown([route(part, web)]).routes[0]?.predicates ?? [])
  t.equal(words({ pathType: 'Exact', host: '' }), 'Path("/x")')
  t.equal(words({ pathType: 'Any', host: '*' }), '*')
  t.equal(words({ pathType: 'Regex', host: '', path: '/x[0-9]' }), 'PathRegexp(/(?i)^\\/x[0-9]/)')
})

t.test('backends: none, one, several endpoints, closed, and what has no word', async (t) => {
  const endpoint = (last: number) => ({ address: `10.0.0.${last}`, port: 8080 })
  const backend = (count: number, terms = {}) => {
    const endpoints = Array.from({ length: count }, (_, at) => endpoint(at + 1))
    return shown([route({}, { ...web, ...terms })], [{ key: 'web', endpoints }]).routes[0]?.backend
  }
  t.match(backend(0), { kind: 'shunt' })
  t.match(backend(1), { kind: 'network', address: 'http://10.0.0.1:8080' })
  t.match(backend(2, { balance: { kind: 'least-requests' } }), {
    kind: 'lb',
    algorithm: 'leastRequests',
    endpoints: ['http://10.0.0.1:8080', 'http://10.0.0.2:8080'],
  })
  const closed = shown([
    route({}, { kind: 'closed', reason: 'a\nb -> <shunt>;' }, [{ kind: 'own' }]),
  ])
  t.match(closed.routes, [
    { filters: [{ name: 'status', args: [503] }], backend: { kind: 'shunt' } },
  ])
  t.match(closed.text, /\/\/ filter \{"kind":"own"\}\n/)
})
