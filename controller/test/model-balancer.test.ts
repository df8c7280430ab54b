// The model load balancer behaves as AWS's: what the roll test is built on.
import { createServer, type Server, type ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { systemClock } from '../../shared/clock.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { Elbv2Model } from './elbv2-model.ts'
import type { ModelGroup } from './elbv2-model-group.ts'
import { ModelLoadBalancer } from './model-balancer.ts'

interface Upstream {
  readonly port: number
  isHealthy: boolean
  requests: number
  connections: number
  answer: (response: ServerResponse) => void
}

const targets = (port: number, ...ids: string[]) => ids.map((id) => ({ id, port, zone: undefined }))

async function listen(t: Test, address: string, port = 0): Promise<Upstream> {
  const upstream: Upstream = {
    port: 0,
    isHealthy: true,
    requests: 0,
    connections: 0,
    answer: (response) => response.end('hello'),
  }
  const server: Server = createServer((request, response) => {
    if (request.url === '/healthz') {
      response.writeHead(upstream.isHealthy ? 200 : 503).end()
      return
    }
    upstream.requests++
    request.resume().on('end', () => upstream.answer(response))
  })
  server.on('connection', () => {
    upstream.connections++
  })
  await new Promise<void>((resolve) => {
    server.listen(port, address, resolve)
  })
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const bound = server.address()
  return Object.assign(upstream, {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
  })
}

function stage(t: Test): { group: ModelGroup; balancer: ModelLoadBalancer } {
  const model = new Elbv2Model({ clock: systemClock, timing: { initialMs: 0, drainMs: 5_000 } })
  const group = model.addGroup({
    name: 'edge',
    vpcRanges: ['127.0.0.0/8'],
    loadBalancerArns: [model.addBalancer('lb')],
    isChecked: true,
  })
  const balancer = new ModelLoadBalancer({
    group,
    healthPath: '/healthz',
    now: () => systemClock.now(),
    times: { propagationMs: 150, healthIntervalMs: 20 },
  })
  balancer.start()
  t.teardown(() => balancer.stop())
  return { group, balancer }
}

const hello = { host: 'a.test', path: '/' }

t.test('sends to healthy targets only, over connections that it keeps', async (t) => {
  const { group, balancer } = stage(t)
  const a = await listen(t, '127.0.0.1')
  const b = await listen(t, '127.0.0.2', a.port)
  b.isHealthy = false
  group.register(targets(a.port, '127.0.0.1', '127.0.0.2'))
  t.equal((await balancer.send(hello)).status, 503, 'nothing is healthy yet')
  await eventually('a is routed to', () => balancer.routable().length === 1)
  await eventually('b is unhealthy', () => group.health.get(`127.0.0.2:${a.port}`) === false)
  const before = a.connections
  for (let at = 0; at < 20; at++) t.match(await balancer.send(hello), { status: 200, error: '' })
  t.equal(b.requests, 0)
  t.ok(a.connections - before < 15, 'requests share connections')
})

t.test('still sends for a moment after the deregistration, then no more', async (t) => {
  const { group, balancer } = stage(t)
  const a = await listen(t, '127.0.0.1')
  await listen(t, '127.0.0.2', a.port)
  group.register(targets(a.port, '127.0.0.1', '127.0.0.2'))
  await eventually('both are routed to', () => balancer.routable().length === 2)
  group.deregister(targets(a.port, '127.0.0.1'))
  t.equal(balancer.routable().length, 2, 'the data side lags behind')
  await eventually('one is left', () => balancer.routable().length === 1)
  const before = a.requests
  for (let at = 0; at < 10; at++) await balancer.send(hello)
  t.equal(a.requests, before)
})

t.test('fails open when every target is unhealthy', async (t) => {
  const { group, balancer } = stage(t)
  const a = await listen(t, '127.0.0.1')
  a.isHealthy = false
  group.register(targets(a.port, '127.0.0.1'))
  await eventually('it is routed to', () => balancer.routable().length === 1)
  t.match(await balancer.send(hello), { status: 200, error: '' })
})

t.test('a connection that the target cuts is a failure', async (t) => {
  const { group, balancer } = stage(t)
  const a = await listen(t, '127.0.0.1')
  group.register(targets(a.port, '127.0.0.1'))
  await eventually('it is routed to', () => balancer.routable().length === 1)
  a.answer = (response) => {
    response.write('half')
    setImmediate(() => response.destroy())
  }
  t.not((await balancer.send(hello)).error, '')
  a.answer = (response) => response.destroy()
  t.not((await balancer.send(hello)).error, '')
  t.equal(balancer.stats.failures.length, 2)
})

t.test('keeps a rate', async (t) => {
  const { group, balancer } = stage(t)
  const a = await listen(t, '127.0.0.1')
  group.register(targets(a.port, '127.0.0.1'))
  await eventually('it is routed to', () => balancer.routable().length === 1)
  const end = balancer.load(500, () => hello)
  await eventually('200 answers', () => balancer.stats.answered >= 200)
  end()
  t.equal(balancer.stats.failures.length, 0)
})
