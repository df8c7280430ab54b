// Which of several routes at one path takes a request, by conditions?
import t from 'tap'
import type { Condition } from '../shared/routing/conditions/condition.ts'
import { get, head, response, startPair } from './exchange/pair.ts'
import { startScripted } from './support/upstream.ts'

const header = (name: string, text: string): Condition => ({
  kind: 'header',
  name,
  text: { kind: 'exact', text },
})

const cases: {
  conditions: Condition[]
  request: string
  takes: boolean
  why: string
}[] = [
  { conditions: [header('x-a', '1')], request: get, takes: false, why: 'the header is not there' },
  {
    conditions: [header('x-a', '1')],
    request: head('GET / HTTP/1.1', 'X-A: 1'),
    takes: true,
    why: 'the header is there',
  },
  {
    conditions: [{ kind: 'not', condition: header('x-a', '1') }],
    request: head('GET / HTTP/1.1', 'X-A: 1'),
    takes: false,
    why: 'the header must not be there',
  },
  {
    conditions: [{ kind: 'method', anyOf: ['POST'] }],
    request: head('POST / HTTP/1.1', 'Content-Length: 0'),
    takes: true,
    why: 'the method',
  },
  {
    conditions: [{ kind: 'query', name: 'v', text: { kind: 'regex', pattern: '^[0-9]+$' } }],
    request: head('GET /?v=12 HTTP/1.1'),
    takes: true,
    why: 'the query',
  },
  {
    conditions: [{ kind: 'cookie', name: 'c', text: { kind: 'present' } }],
    request: head('GET / HTTP/1.1', 'Cookie: b=1; c=2'),
    takes: true,
    why: 'the cookie',
  },
  {
    conditions: [{ kind: 'source', networks: ['127.0.0.0/8'], of: 'peer' }],
    request: get,
    takes: true,
    why: 'the address',
  },
  {
    conditions: [header('x-a', '1'), { kind: 'method', anyOf: ['POST'] }],
    request: head('GET / HTTP/1.1', 'X-A: 1'),
    takes: false,
    why: 'all must hold',
  },
]

for (const { conditions, request, takes, why } of cases) {
  t.test(`${takes ? 'the route' : 'the next one'} takes it: ${why}`, async (t) => {
    const special = await startScripted({ onRequest: () => response('200 OK', 'special') })
    t.teardown(() => special.close())
    const { dataPlane, upstream, connect } = await startPair(t)
    dataPlane.apply({
      routes: [{}, { conditions, service: 'special' }],
      endpoints: { web: [upstream], special: [special] },
    })
    const client = await connect()
    t.equal((await client.request(request)).body, takes ? 'special' : 'ok')
  })
}

t.test(
  'without a route that holds there is none: 404, and the shorter path is asked before',
  async (t) => {
    const { connect } = await startPair(t, {
      routes: [
        { path: '/a/b', conditions: [header('x-a', '1')] },
        { path: '/a', conditions: [header('x-a', '2')] },
      ],
    })
    const client = await connect()
    t.equal((await client.request(head('GET /a/b HTTP/1.1', 'X-A: 2'))).status, 200)
    t.equal((await client.request(head('GET /a/b HTTP/1.1', 'X-A: 3'))).status, 404)
  },
)

t.test('filters see what conditions have seen: one draw, one view per request', async (t) => {
  const draws = [0.2, 0.9, 0.5]
  const half: Condition = { kind: 'share', from: 0, below: 0.5 }
  const { connect } = await startPair(t, {
    random: () => draws.shift() ?? 0,
    routes: [
      {
        conditions: [half],
        filters: [{ kind: 'redirect', when: 'always', status: 302, path: '/y' }],
      },
      {},
    ],
  })
  // The first draw is the balance's own.
  const client = await connect()
  const statuses = []
  for (let n = 0; n < 3; n += 1) statuses.push((await client.request(get)).status)
  t.same(statuses, [200, 200, 302])
})
