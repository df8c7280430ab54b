// Pods are replaced under load and nobody notices: a Service's endpoints change one by one while 500 requests/s come in, and
// the old ones close at once, as pods without a preStop hook do.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import type { RetryRules } from '../shared/routing/backend.ts'
import { eventually } from '../shared/testing/eventually.ts'
import { askAdmin } from './support/ask.ts'
import { startInProcess } from './support/in-process.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import { startProxyProcess } from './support/proxy-process.ts'
import { untilQuiet } from './support/quiet.ts'
import { connectRaw, type RawClient } from './support/raw-client.ts'

const perSecond = 500
const replacements = 12
const podCount = 3
const clientCount = 32

/** One pod: serves until it is killed. */
interface Pod {
  readonly address: string
  readonly port: number
  /** Ids of the POSTs that it served. */
  readonly posts: readonly string[]
  /** Stops listening and closes idle connections at once; what is in flight finishes. */
  close(): void
  destroy(): void
}

async function startPod(): Promise<Pod> {
  const posts: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    if (request.method === 'POST') posts.push(request.url ?? '')
    request.resume()
    // Some requests take a moment, so that there are always some in flight.
    setTimeout(() => response.end('ok'), Math.random() * 5)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: '127.0.0.1',
    port,
    posts,
    close() {
      server.close()
      server.closeIdleConnections()
    },
    destroy() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

interface Load {
  readonly sent: number
  /** Everything but a 200, by what it was. */
  readonly failures: ReadonlyMap<string, number>
  /** Ids of POSTs that were answered with 200. */
  readonly acknowledged: readonly string[]
  stop(): Promise<void>
}

/**
 * Sends requests at a steady pace, whatever becomes of those before: each on a connection that is free. Those that a busy machine
 * did not let it send are left out but for a few: hundreds at once are no steady pace, and more than the retry budget is for.
 */
async function startLoad(port: number, methods: readonly ('GET' | 'POST')[]): Promise<Load> {
  const failures = new Map<string, number>()
  const acknowledged: string[] = []
  const free: RawClient[] = await Promise.all(
    Array.from({ length: clientCount }, () => connectRaw(port)),
  )
  const all = new Set(free)
  let sent = 0
  let pending = 0
  let next = performance.now()

  async function ask(id: number): Promise<void> {
    const method = methods[id % methods.length] ?? 'GET'
    const client = free.pop() ?? (await connectRaw(port))
    all.add(client)
    try {
      const body = method === 'POST' ? 'Content-Length: 5\r\n\r\nhello' : '\r\n'
      const { status, complete } = await client.request(
        `${method} /${id} HTTP/1.1\r\nHost: a.test\r\n${body}`,
      )
      if (status !== 200 || !complete) count(`${method} ${status}`)
      else if (method === 'POST') acknowledged.push(`/${id}`)
      free.push(client)
    } catch (error) {
      count(`${method} ${String(error).slice(0, 80)}`)
      client.close()
    }
  }
  function count(failure: string): void {
    failures.set(failure, (failures.get(failure) ?? 0) + 1)
  }

  const timer = setInterval(() => {
    next = Math.max(next, performance.now() - 20)
    for (; next < performance.now(); next += 1000 / perSecond) {
      pending += 1
      void ask(sent++).finally(() => {
        pending -= 1
      })
    }
  }, 2)
  return {
    get sent() {
      return sent
    },
    failures,
    acknowledged,
    async stop() {
      clearInterval(timer)
      await eventually('all requests are answered', () => pending === 0)
      for (const client of all) client.close()
    },
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Lets the event loop, which serves clients, proxy and pods, go round: what was on its way has arrived then. */
async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await new Promise((resolve) => setImmediate(resolve))
}

// A pod that closes resets what it has not accepted yet. On a busy machine several pods are gone before it is known, and how
// many retries there may be is not asked here.
const retry: RetryRules = {
  on: ['connect-failure', 'refused', 'reset'],
  statuses: [],
  allMethods: false,
  maxRetries: 10,
}

for (const { order, methods, backend, why } of [
  {
    order: 'close first',
    methods: ['GET'] as const,
    backend: { retry },
    why: 'connections that are refused, stale or reset are tried elsewhere',
  },
  {
    order: 'change first',
    methods: ['GET', 'POST'] as const,
    backend: {},
    why: 'no request meets an endpoint that is gone',
  },
]) {
  t.test(`${order}, ${methods.join(' and ')}: ${why}`, async (t) => {
    const pods = await Promise.all(Array.from({ length: podCount }, startPod))
    const gone: Pod[] = []
    const flags = ['--access-log', 'off', '--retry-budget-percent', '100']
    const routes = [{ backend }]
    const proxy = await startInProcess({ routes, endpoints: { web: pods }, flags })
    const load = await startLoad(proxy.port, methods)
    for (let round = 0; round < replacements; round += 1) {
      await pause(150)
      const pod = await startPod()
      const old = pods.shift()
      pods.push(pod)
      if (old === undefined) throw new Error('no pod')
      gone.push(old)
      if (order === 'close first') {
        old.close()
        // A change needs its time from the API server to the proxy.
        await pause(20)
        proxy.apply({ routes, endpoints: { web: pods } })
      } else {
        proxy.apply({ routes, endpoints: { web: pods } })
        // What was on its way when the change came is read by the pod first.
        await pause(50)
        await turns(20)
        old.close()
      }
    }
    await pause(150)
    await load.stop()
    const retries = proxy.counter('weir_retries_total')
    t.same([...load.failures], [], `${load.sent} requests, ${retries} retries`)
    t.ok(load.sent > replacements * 0.15 * perSecond * 0.2, 'the load was there')
    const served = [...gone, ...pods].flatMap(({ posts }) => posts)
    t.equal(new Set(served).size, served.length, 'no POST was served twice')
    t.equal(served.length, load.acknowledged.length, 'each served POST was acknowledged')
    t.comment(`${load.sent} requests, ${load.failures.size} failures, ${retries} retries`)
    await untilQuiet(proxy)
    await proxy.close()
    for (const pod of [...gone, ...pods]) pod.destroy()
  })
}

/** Waits until the table does not name the pod any more, then a second for what was on its way. */
async function untilLeft(adminPort: number, { address, port }: Pod): Promise<void> {
  const endpoint = JSON.stringify(`${address}:${port}`)
  for (let isNamed = true; isNamed; await pause(50)) {
    isNamed = (await askAdmin(adminPort, '/routes')).body.includes(endpoint)
  }
  await pause(1000)
}

t.test(
  'the program follows manifests: pods go a second after the proxy has left them',
  async (t) => {
    const pods = await Promise.all(Array.from({ length: podCount }, startPod))
    const gone: Pod[] = []
    const rules = ingressOf('rules', [{ host: 'a.test', service: 'web' }])
    const folder = createManifestFolder([rules, ...serviceOf('web', pods)])
    const flags = ['--manifests', folder.path, '--access-log', 'off']
    const proxy = await startProxyProcess({ flags })
    t.teardown(async () => {
      await proxy.stop()
      folder.dispose()
      for (const pod of [...gone, ...pods]) pod.destroy()
    })
    const load = await startLoad(proxy.port, ['GET', 'POST'])
    const closing: Promise<void>[] = []
    for (let round = 0; round < replacements; round += 1) {
      await pause(250)
      const pod = await startPod()
      const old = pods.shift()
      pods.push(pod)
      if (old === undefined) throw new Error('no pod')
      gone.push(old)
      folder.write('objects.json', [rules, ...serviceOf('web', pods)])
      closing.push(untilLeft(proxy.adminPort, old).then(() => old.close()))
    }
    await Promise.all(closing)
    await load.stop()
    t.same([...load.failures], [], `${load.sent} requests`)
    const served = [...gone, ...pods].flatMap(({ posts }) => posts)
    t.equal(new Set(served).size, served.length, 'no POST was served twice')
    t.equal(served.length, load.acknowledged.length)
    for (const pod of pods) t.ok(pod.posts.length > 0, 'each new pod gets its share')
    t.comment(`${load.sent} requests, ${load.failures.size} failures`)
  },
)
