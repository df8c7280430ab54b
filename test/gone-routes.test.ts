// Preview environments come and go all day: does what Weir keeps of them go, too? Thousands of Ingresses, each with requests,
// and 16 minutes after each lot: what is held must be what was held before.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { startProxy } from '../proxy/control/control-thread.ts'
import { createRecorder } from '../proxy/observe/recorder.ts'
import { createSlots } from '../proxy/observe/slot-allocator.ts'
import { createSlotCollector } from '../proxy/observe/slot-collector.ts'
import { exampleRecord } from '../proxy/observe/testing/records.ts'
import { DataPlane } from '../proxy/serve/data-plane.ts'
import type { Feed, FeedUpdate } from '../shared/feed/feed.ts'
import type { EndpointSlice, Ingress, IngressClass, Service } from '../shared/kube/objects.ts'
import { endpointSlices, ingressClasses, ingresses, services } from '../shared/kube/resources.ts'
import { createSnapshot } from '../shared/kube/snapshot.ts'
import type { Log } from '../shared/log.ts'
import { diffTables } from '../shared/routing/delta.ts'
import { emptyTable, type RouteTable } from '../shared/routing/table.ts'
import { routeOf } from '../shared/routing/testing/route.ts'
import { tableWith } from '../shared/routing/testing/table.ts'
import { createCounterMemory, openCounterTable } from '../shared/shared-counters.ts'
import { ManualClock } from '../shared/testing/manual-clock.ts'
import { askAdmin, metric, until } from './support/ask.ts'
import { settingsOf } from './support/in-process.ts'
import { ingressOf, serviceOf } from './support/manifests.ts'
import { connectRaw } from './support/raw-client.ts'
import { okResponse } from './support/upstream.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Bytes that this thread holds: its heap, and memory shared with others. */
async function heldBytes(): Promise<number> {
  // What just ended lets go of its last references in the turns after.
  for (let turn = 0; turn < 3; turn += 1) {
    await delay(20)
    collectGarbage()
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const mebibyte = 1_048_576

t.setTimeout(110_000)

t.test('a worker holds after 8,000 routes what it held after 2,000', async (t) => {
  const clock = new ManualClock()
  const collector = createSlotCollector(clock)
  const slots = createSlots((message) => collector.accept(message, 0))
  const recorder = createRecorder({ slots })
  const plane = new DataPlane({
    settings: settingsOf([]),
    clock,
    random: () => 0,
    randomBytes: (size) => Buffer.alloc(size),
    recorder,
    shared: openCounterTable({ memory: createCounterMemory(1024), nowMicros: () => 0 }),
  })
  t.teardown(() => plane.finish(0))
  let table: RouteTable = emptyTable
  let version = 0
  const serve = (next: RouteTable) => {
    version += 1
    const delta = diffTables(table, next, version)
    table = next
    collector.setTable(next)
    if (delta !== undefined) plane.apply(delta)
  }
  const round = (lot: number) => {
    const names = Array.from({ length: 400 }, (_, index) => `preview-${lot}-${index}`)
    const routes = names.map((name) => routeOf({ host: `${name}.test`, name, service: name }))
    const endpoints = (index: number) => [
      { address: `10.${lot}.${index >> 8}.${index & 255}`, port: 80 },
    ]
    const upstreams = names.map((name, index) => ({
      key: `default/${name}:80`,
      endpoints: endpoints(index),
    }))
    serve(tableWith(routes, upstreams))
    for (const route of routes) {
      const counters = recorder.countersFor({
        namespace: 'default',
        ingress: route.owner.name,
        service: route.owner.name,
      })
      for (const status of [200, 404, 503]) {
        recorder.record(exampleRecord({ counters, status, error: 'no-endpoints' }))
      }
    }
    serve(emptyTable)
    for (let minute = 0; minute < 16; minute += 1) {
      clock.advance(60_000)
      collector.forgetGone((keys) => {
        recorder.forget(keys)
        return []
      })
    }
  }
  for (let lot = 0; lot < 5; lot += 1) round(lot)
  const before = await heldBytes()
  for (let lot = 5; lot < 20; lot += 1) round(lot)
  const grown = (await heldBytes()) - before
  t.comment(`${(grown / 1024).toFixed(0)} KiB more`)
  // 5 KB for each of 6,000 would be 30 MB.
  t.ok(grown < mebibyte, `${grown} bytes more`)
  t.notMatch([...collector.pieces()].join(''), /preview-/)
})

/** An upstream that keeps nothing of what it was asked. */
async function startPlainUpstream() {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('data', () => socket.write(okResponse))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: '127.0.0.1',
    port,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A feed whose objects are the test's. */
function manualFeed(clock: ManualClock) {
  let onUpdate: (update: FeedUpdate) => void = () => {}
  const feed: Feed = {
    start(_kinds, take) {
      onUpdate = take
    },
    stop: async () => {},
    ages: () => ({}),
    follow: () => () => {},
  }
  const weir: IngressClass = {
    metadata: { name: 'weir' },
    spec: { controller: 'weir.dev/ingress' },
  }
  const push = (rules: readonly Ingress[], backends: readonly (Service | EndpointSlice)[]) => {
    const ofKind = (kind: string) => backends.filter((object) => object.kind === kind)
    const snapshot = createSnapshot([
      [ingressClasses, [weir]],
      [ingresses, rules],
      [services, ofKind('Service')],
      [endpointSlices, ofKind('EndpointSlice')],
    ])
    onUpdate({ snapshot, problems: [], eventAtMs: clock.now() })
  }
  return { feed, push }
}

t.test(
  'so does the control thread of a whole proxy, and /metrics names none of them',
  async (t) => {
    const upstream = await startPlainUpstream()
    const clock = new ManualClock()
    const { feed, push } = manualFeed(clock)
    let ports: readonly number[] = []
    const log: Log = {
      debug: () => {},
      info(fields, message) {
        const { listen, admin } = { listen: '', admin: '', ...fields }
        if (message === 'listening')
          ports = [listen, admin].map((at) => Number(at.split(':').at(-1)))
      },
      warn: () => {},
      error: (_, message) => t.comment(message),
      child: () => log,
    }
    const flags = ['--admin', '127.0.0.1:0', '--access-log', 'off', '--drain-seconds', '0']
    // Minutes that pass at once are no time in which a worker could say that it lives.
    flags.push('--worker-stuck-seconds', '0')
    const settings = { ...settingsOf(flags), workers: 2 }
    const proxy = await startProxy({ settings, version: 'test', clock, log, feed, ownFilters: [] })
    const [port = 0, adminPort = 0] = ports
    t.teardown(async () => {
      proxy.terminate()
      const left = proxy.whenLeft()
      const stop = setInterval(() => clock.advance(100), 10)
      await left
      clearInterval(stop)
      await upstream.close()
    })
    push([], [])
    await until(
      'ready',
      () => askAdmin(adminPort, '/readyz'),
      ({ status }) => status === 200,
    )

    /** Pushes objects and waits until every worker serves them. */
    const apply = async (...objects: Parameters<typeof push>) => {
      const applied = async () => (await metric(adminPort, 'weir_route_update_seconds_count')) ?? 0
      const before = await applied()
      push(...objects)
      await until('every worker serves them', applied, (count) => count > before)
    }
    const serveAndForget = async (lot: number) => {
      const names = Array.from({ length: 120 }, (_, index) => `preview-${lot}-${index}`)
      const rules = names.map((name) => ingressOf(name, [{ host: `${name}.test`, service: name }]))
      await apply(
        rules,
        names.flatMap((name) => serviceOf(name, [upstream])),
      )
      // Each connection has one worker: several reach both.
      const clients = await Promise.all(Array.from({ length: 6 }, () => connectRaw(port)))
      for (const [index, name] of names.entries()) {
        const request = `GET / HTTP/1.1\r\nHost: ${name}.test\r\n\r\n`
        const response = await clients[index % 6]?.request(request)
        if (response?.status !== 200) t.fail(`${name}: ${response?.status}`)
      }
      for (const client of clients) client.close()
      await until(
        'all are counted',
        () => askAdmin(adminPort, '/metrics'),
        ({ body }) => names.every((name) => body.includes(`ingress="${name}"`)),
      )
      await apply([], [])
      for (let minute = 0; minute < 17; minute += 1) {
        clock.advance(60_000)
        // The workers answer in turns of their own.
        await delay(5)
      }
      await until(
        'they are gone',
        () => askAdmin(adminPort, '/metrics'),
        ({ body }) => !body.includes('preview-'),
      )
    }
    for (let lot = 0; lot < 5; lot += 1) await serveAndForget(lot)
    const before = await heldBytes()
    for (let lot = 5; lot < 15; lot += 1) await serveAndForget(lot)
    const grown = (await heldBytes()) - before
    t.comment(`${(grown / 1024).toFixed(0)} KiB more`)
    // 5 KB for each of 1,200 would be 6 MB.
    t.ok(grown < mebibyte, `${grown} bytes more`)

    const back = 'preview-0-0'
    await apply(
      [ingressOf(back, [{ host: `${back}.test`, service: back }])],
      serviceOf(back, [upstream]),
    )
    const client = await connectRaw(port)
    await client.request(`GET / HTTP/1.1\r\nHost: ${back}.test\r\n\r\n`)
    client.close()
    const labels = { ingress: back, namespace: 'default', service: back }
    const counted = { ...labels, method: 'GET', status: '200' }
    // The worker announces its slots in a turn of its own.
    const count = await until(
      'it is counted',
      () => metric(adminPort, 'weir_requests_total', counted),
      (value) => value !== undefined,
    )
    t.equal(count, 1, 'one that returns counts anew')
  },
)
