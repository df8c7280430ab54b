// Every fault of an API server and of the network before it: what is known stays, and what changes arrives.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../clock.ts'
import type { Problem } from '../../problem.ts'
import { statusBody } from '../../testing/api-paths.ts'
import { type ApiServer, createApiServer } from '../../testing/api-server.ts'
import { eventually } from '../../testing/eventually.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { createKubeClient } from '../client.ts'
import { loadKubeConfig } from '../config.ts'
import type { Service } from '../objects.ts'
import { createReflector, type Reflector } from '../reflector.ts'
import { ingresses, services } from '../resources.ts'
import type { Selection } from '../watch.ts'

interface World {
  readonly api: ApiServer
  readonly clock: ManualClock
  readonly reflector: Reflector<Service>
  readonly changes: { count: number }
  readonly problems: (Problem | undefined)[]
  readonly logged: string[]
  /** Rewrites the service account's files as they are now at the API server. */
  rotateFiles(): Promise<void>
  /** The names of all services that are known. */
  names(): string[]
  /** Waits until exactly these are known, moving the clock meanwhile. */
  knows(...names: string[]): Promise<void>
  /** Waits for anything else in the same way. */
  sees(what: string, isTrue: () => boolean): Promise<void>
}

function service(name: string, namespace = 'shop', port = 80): Service {
  const metadata = { name, namespace, labels: { app: name } }
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port }] } }
}

/** A reflector of services over an API server that holds `a` and `b`. */
async function startWorld(
  t: Test,
  prepare: (api: ApiServer) => void = () => undefined,
  selection: Selection = {},
): Promise<World> {
  const api = await createApiServer()
  const folder = join(mkdtempSync(join(tmpdir(), 'weir-')), 'account')
  await api.serviceAccountFolder(folder)
  // Calls have real time limits; only the reflector's own waiting is on the test's clock.
  const config = await loadKubeConfig({
    env: api.env,
    clock: systemClock,
    serviceAccountFolder: folder,
  })
  const client = createKubeClient(config, { clock: systemClock })
  const clock = new ManualClock()
  const changes = { count: 0 }
  const problems: (Problem | undefined)[] = []
  const logged: string[] = []
  const log = (fields: object, message: string) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`)
  const reflector = createReflector({
    client,
    resource: services,
    ...selection,
    clock,
    random: () => 0.5,
    log: { info: log, warn: log },
    onChange: () => {
      changes.count += 1
    },
    onProblem: (problem) => void problems.push(problem),
  })
  t.teardown(async () => {
    await reflector.stop()
    await client.close()
    await api.close()
  })
  api.put(service('a'))
  api.put(service('b'))
  prepare(api)
  reflector.start()
  const names = () => [...reflector.items().values()].map((o) => o.metadata?.name ?? '').sort()
  const tick = () => clock.advance(100)
  return {
    api,
    clock,
    reflector,
    changes,
    problems,
    logged,
    rotateFiles: () => api.serviceAccountFolder(folder).then(() => undefined),
    names,
    knows: (...wanted) =>
      eventually(
        `knows ${wanted} (has ${names()})`,
        () => String(names()) === String(wanted),
        tick,
      ),
    sees: (what, isTrue) => eventually(what, isTrue, tick),
  }
}

/** Waits until the reflector knows `a` and `b`, watches, and has heard something on its watch. */
async function settle(world: World): Promise<void> {
  await world.knows('a', 'b')
  await world.sees('a watch', () => world.api.watches(services) === 1)
  world.clock.advance(5)
  world.api.faults.bookmark()
  // The clock stands still: only the bookmark makes the age young.
  await eventually('the bookmark', () => world.reflector.ageMs() < 5)
}

const lists = (api: ApiServer) => api.requests.filter((r) => r.verb === 'list').length
const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`

/** Faults after the first list: each is done to a reflector that knows a and b, then c must arrive and b must go. */
const faults: {
  readonly why: string
  readonly fault: (world: World) => void | Promise<void>
  /** How often the collection is listed in the end; absent where it does not matter. */
  readonly lists?: number
}[] = [
  { why: 'nothing wrong', fault: () => undefined, lists: 1 },
  {
    why: 'the watch ends in order',
    fault: ({ api }) => api.faults.endWatches(),
    lists: 1,
  },
  {
    why: '410 as a status',
    fault({ api }) {
      api.faults.forgetHistory('status')
      api.faults.endWatches()
    },
    lists: 2,
  },
  {
    why: '410 as an ERROR event at once',
    fault({ api }) {
      api.faults.forgetHistory('event')
      api.faults.endWatches()
    },
    lists: 2,
  },
  {
    why: '410 as an ERROR event underway',
    fault: ({ api }) => api.faults.sendError(statusBody(410, 'too old')),
    lists: 2,
  },
  {
    why: 'an ERROR event with 500',
    fault: ({ api }) => api.faults.sendError(statusBody(500, 'etcd is slow')),
    lists: 1,
  },
  ...[500, 502, 503, 504].map((status) => ({
    why: `${status} twice to the next watches`,
    fault({ api, clock }: World) {
      clock.advance(15_000)
      api.faults.answer({ verbs: ['watch'], status, times: 2 })
      api.faults.endWatches()
    },
    lists: 1,
  })),
  {
    why: 'a version that the server never accepts again',
    fault({ api, clock }) {
      clock.advance(15_000)
      api.faults.answer({ verbs: ['watch'], status: 400, times: 3 })
      api.faults.endWatches()
    },
    lists: 2,
  },
  {
    why: '503 to lists after 410',
    fault({ api }) {
      api.faults.answer({ verbs: ['list'], status: 503, times: 3 })
      api.faults.sendError(statusBody(410, 'too old'))
    },
    lists: 5,
  },
  {
    why: 'RST between lines',
    fault: ({ api }) => api.faults.resetWatches(),
    lists: 1,
  },
  {
    why: 'RST within a line',
    fault: ({ api }) => api.faults.resetWatches(services, '{"type":"DELETED","object":{"meta'),
    lists: 1,
  },
  {
    why: 'half a line, then the end',
    fault: ({ api }) => api.faults.endWatches(services, '{"type":"DELETED","object":{"meta'),
    lists: 1,
  },
  {
    why: 'a line that is not JSON',
    fault: ({ api }) => api.faults.sendRaw('<html>bad gateway</html>\n'),
  },
  {
    why: 'a line that is JSON and no event',
    fault: ({ api }) => api.faults.sendRaw('{"type":"ADDED","object":{"metadata":{}}}\n'),
  },
  {
    why: 'bookmarks and nothing else',
    fault: ({ api }) => {
      for (let i = 0; i < 5; i += 1) api.faults.bookmark()
    },
    lists: 1,
  },
  {
    why: 'a bookmark of an older version',
    fault: ({ api }) => api.faults.bookmark(services, '7'),
    lists: 2,
  },
  {
    why: 'every event twice',
    fault: ({ api }) => api.faults.duplicateEvents(true),
    lists: 1,
  },
  {
    why: 'an old event again',
    fault: ({ api }) =>
      api.faults.sendRaw(
        line('ADDED', { metadata: { name: 'ghost', namespace: 'shop', resourceVersion: '9' } }),
      ),
    lists: 2,
  },
  {
    why: 'DELETED with only metadata',
    fault: ({ api }) => api.faults.bareDeletes(true),
    lists: 1,
  },
  {
    why: 'DELETED of something unknown',
    fault: ({ api }) =>
      api.faults.sendRaw(line('DELETED', { metadata: { name: 'ghost', namespace: 'shop' } })),
    lists: 1,
  },
  {
    why: 'the end of an earlier object of the same name',
    fault: ({ api }) =>
      api.faults.sendRaw(
        line('DELETED', { metadata: { name: 'a', namespace: 'shop', uid: 'earlier' } }),
      ),
    lists: 1,
  },
  {
    why: 'pages that expire while they are read',
    fault({ api }) {
      for (let i = 0; i < 600; i += 1) api.put(service(`x${i}`))
      api.faults.expirePages()
      api.faults.sendError(statusBody(410, 'too old'))
      for (let i = 0; i < 600; i += 1) api.remove(services, 'shop', `x${i}`)
    },
  },
  {
    why: 'the API server is away for a while',
    async fault({ api, sees, logged }) {
      await api.pause()
      await sees('trouble', () => logged.length > 0)
      await api.resume()
    },
    lists: 1,
  },
]

for (const { why, fault, lists: expectedLists } of faults) {
  t.test(`what is known stays and what changes arrives: ${why}`, async (t) => {
    const world = await startWorld(t)
    const { api, reflector } = world
    await settle(world)
    const a = reflector.items().get('shop/a')
    let hasLost = false
    const check = () => {
      hasLost ||= reflector.items().get('shop/a') !== a
    }
    await fault(world)
    check()
    await world.sees('a watch after the fault', () => api.watches(services) > 0)
    api.put(service('c'))
    await world.sees('c', () => {
      check()
      return reflector.items().has('shop/c')
    })
    api.remove(services, 'shop', 'b')
    await world.knows('a', 'c')
    t.notOk(hasLost, 'an object that did not change keeps its reference all the time')
    t.ok(reflector.synced)
    if (expectedLists !== undefined) t.equal(lists(api), expectedLists, 'lists')
  })
}

/** Faults of the first list: nothing may be said to be known before the whole is. */
const firstLists: { readonly why: string; readonly prepare: (api: ApiServer) => void }[] = [
  ...[429, 500, 503, 504].map((status) => ({
    why: `${status} first`,
    prepare: (api: ApiServer) => void api.faults.answer({ verbs: ['list'], status, times: 2 }),
  })),
  {
    why: '200 with a body that is no list',
    prepare: (api) =>
      void api.faults.answer({ verbs: ['list'], status: 200, body: '{"kind":"Status"}', times: 2 }),
  },
  {
    why: '200 with half a body',
    prepare: (api) =>
      void api.faults.answer({
        verbs: ['list'],
        status: 200,
        body: '{"metadata":{"resourceVersion":"1"},"items":[',
        times: 2,
      }),
  },
  {
    why: '200 with an item without a name',
    prepare: (api) =>
      void api.faults.answer({
        verbs: ['list'],
        status: 200,
        body: '{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{}}]}',
        times: 2,
      }),
  },
]

for (const { why, prepare } of firstLists) {
  t.test(`the first list is tried again until it is complete: ${why}`, async (t) => {
    const world = await startWorld(t, prepare)
    await eventually('the first failure', () => world.logged.length > 0)
    t.notOk(world.reflector.synced)
    t.equal(world.changes.count, 0)
    await world.knows('a', 'b')
    await world.reflector.whenSynced()
    t.equal(world.changes.count, 1, 'one change for the whole list')
    t.equal(lists(world.api), 3)
  })
}

t.test('an empty collection is synced too', async (t) => {
  const world = await startWorld(t, (api) => {
    api.remove(services, 'shop', 'a')
    api.remove(services, 'shop', 'b')
  })
  await world.reflector.whenSynced()
  await world.sees('a change', () => world.changes.count === 1)
  t.equal(world.reflector.items().size, 0)
})

t.test('429 is answered by waiting as long as Retry-After asks', async (t) => {
  const world = await startWorld(t, (api) => {
    api.faults.answer({ verbs: ['list'], status: 429, retryAfterSeconds: 120, times: 1 })
  })
  await eventually('the first failure', () => world.logged.length > 0)
  const before = world.clock.now()
  const hasAll = () => world.reflector.items().size === 2
  await eventually('all', hasAll, () => world.clock.advance(2000))
  t.ok(world.clock.now() - before >= 120_000, 'not before the two minutes were over')
})

t.test('a watch that falls silent is renewed', async (t) => {
  const world = await startWorld(t)
  await settle(world)
  world.api.faults.stallWatches()
  world.api.put(service('c'))
  world.clock.advance(99_000)
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.strictSame(world.names(), ['a', 'b'], 'silence alone is no trouble for a while')
  await world.knows('a', 'b', 'c')
  t.equal(lists(world.api), 1, 'nothing had to be listed again')
})

t.test('history that goes back is the truth', async (t) => {
  const world = await startWorld(t)
  await settle(world)
  world.api.put(service('c'))
  await world.knows('a', 'b', 'c')
  world.api.faults.restore(services, 500, [service('a', 'shop', 81), service('d')])
  await world.sees('the restored world', () => String(world.names()) === 'a,d')
  t.equal(world.reflector.items().get('shop/a')?.spec?.ports?.[0]?.port, 81)
})

t.test('after an outage a new list is due soon, for the server may be another', async (t) => {
  const world = await startWorld(t)
  await settle(world)
  const watches = () => world.api.requests.filter((r) => r.verb === 'watch')
  t.equal(watches().at(-1)?.query.timeoutSeconds, '440')
  // However long the watch had held: a fast server is back before the next try, and one cut is all that is seen of it.
  world.clock.advance(15_000)
  await world.api.faults.resetWatches()
  await world.sees('another watch', () => watches().length === 2)
  await eventually('its answer', () => world.api.watches(services) === 1)
  const seconds = Number(watches().at(-1)?.query.timeoutSeconds)
  t.ok(seconds <= 60, `${seconds} s`)
})

t.test('an API server that refuses for a moment when it is back may be another, too', async (t) => {
  const world = await startWorld(t)
  await settle(world)
  world.clock.advance(15_000)
  // As kube-apiserver does before it has read its roles: after a restored etcd this was all that could be seen of it.
  world.api.faults.answer({ verbs: ['watch'], resource: services, status: 403, times: 1 })
  await world.api.faults.resetWatches()
  const taken = () => world.api.requests.filter((r) => r.verb === 'watch' && r.status === 200)
  await world.sees('another watch', () => taken().length === 2)
  const seconds = Number(taken().at(-1)?.query.timeoutSeconds)
  t.ok(seconds <= 60, `${seconds} s`)
})

t.test('a token that was rotated is read again at once', async (t) => {
  const world = await startWorld(t)
  await settle(world)
  world.api.setToken('second')
  await world.rotateFiles()
  world.api.faults.endWatches()
  await world.sees('a watch', () => world.api.watches(services) > 0)
  world.api.put(service('c'))
  await world.knows('a', 'b', 'c')
  t.strictSame(world.problems, [], 'nobody was bothered')
})

t.test('a token that nobody accepts is a problem until it is accepted', async (t) => {
  const world = await startWorld(t)
  await settle(world)
  world.api.setToken('second')
  world.api.faults.endWatches()
  await world.sees('the problem', () => world.problems.length === 1)
  t.match(world.problems[0], { reason: 'missing-permission', kind: 'Service' })
  t.strictSame(world.names(), ['a', 'b'])
  await world.rotateFiles()
  world.api.put(service('c'))
  await world.knows('a', 'b', 'c')
  t.equal(world.reflector.problem, undefined)
  t.equal(world.problems.at(-1), undefined)
})

t.test('a rotated CA is read again when the certificate is not trusted', async (t) => {
  const world = await startWorld(t)
  await settle(world)
  world.api.rotateCertificate()
  await world.rotateFiles()
  world.api.put(service('c'))
  await world.knows('a', 'b', 'c')
})

t.test('a missing permission is a problem that names verb, resource and rule', async (t) => {
  const undo: (() => void)[] = []
  const world = await startWorld(t, (api) => {
    undo.push(api.faults.deny(['list', 'watch'], services))
  })
  await world.sees('the problem', () => world.problems.length === 1)
  const [problem] = world.problems
  t.equal(problem?.reason, 'missing-permission')
  t.match(problem?.message, /list services in the whole cluster/)
  t.match(
    problem?.remedy,
    /\{apiGroups: \[""\], resources: \["services"\], verbs: \["list", "watch"\]\} to our ClusterRole/,
  )
  t.notOk(world.reflector.synced)
  for (const allow of undo) allow()
  await world.knows('a', 'b')
  await world.sees('no problem', () => world.reflector.problem === undefined)
})

t.test('a missing permission to watch is a problem; lists still bring changes', async (t) => {
  const world = await startWorld(t, (api) => void api.faults.deny(['watch'], services))
  await world.sees('the problem', () => world.problems.length === 1)
  t.match(world.problems[0]?.message, /may not watch services/)
  t.strictSame(world.names(), ['a', 'b'])
})

t.test('a namespace and a label select what is read', async (t) => {
  const world = await startWorld(t, (api) => void api.put(service('a', 'other')), {
    namespace: 'shop',
    labelSelector: 'app in (a, c)',
  })
  await world.knows('a')
  await world.sees('a watch', () => world.api.watches(services) === 1)
  world.api.put(service('c', 'other'))
  world.api.put(service('c'))
  world.api.put(service('d'))
  await world.knows('a', 'c')
  t.strictSame([...world.reflector.items().keys()], ['shop/a', 'shop/c'])
})

t.test('a collection is listed anew from time to time, in case an event was lost', async (t) => {
  const world = await startWorld(t)
  await settle(world)
  for (let i = 0; i < 4; i += 1) {
    world.clock.advance(440_000)
    await world.sees('a watch', () => world.api.watches(services) === 1)
    world.api.faults.endWatches()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await world.sees('a second list', () => lists(world.api) >= 2)
  t.strictSame(world.names(), ['a', 'b'])
  t.equal(world.changes.count, 1, 'the same objects are no change')
})

t.test('the age says how long ago the API server last confirmed what is known', async (t) => {
  const world = await startWorld(t)
  await settle(world)
  world.clock.advance(40_000)
  t.ok(world.reflector.ageMs() >= 40_000)
  world.api.faults.bookmark()
  await eventually('a young age', () => world.reflector.ageMs() < 40_000)
  t.equal(world.reflector.lastEventAtMs, undefined, 'a bookmark is no event')
})

t.test('many events that come together are one change', async (t) => {
  const world = await startWorld(t)
  await settle(world)
  const before = world.changes.count
  for (let i = 0; i < 50; i += 1) world.api.put(service('c', 'shop', i + 1))
  await world.sees('the last', () => {
    return world.reflector.items().get('shop/c')?.spec?.ports?.[0]?.port === 50
  })
  await new Promise((resolve) => setImmediate(resolve))
  t.ok(world.changes.count - before < 10, `${world.changes.count - before} changes`)
})

t.test('5,000 objects are read page by page, without what nobody reads', async (t) => {
  const world = await startWorld(t, (api) => {
    for (let i = 0; i < 5000; i += 1) {
      const { metadata, ...rest } = service(`s${i}`)
      const managed = { managedFields: [{ manager: 'kubectl' }] }
      api.put({ ...rest, metadata: { ...metadata, ...managed } })
    }
  })
  await world.sees('all', () => world.reflector.items().size === 5002)
  t.equal(lists(world.api), 11)
  const one = world.reflector.items().get('shop/s42')
  t.equal(one?.kind, 'Service', 'items of a list get their kind')
  t.notOk(one !== undefined && 'managedFields' in (one.metadata ?? {}))
})

t.test('all kinds share their connections', async (t) => {
  const world = await startWorld(t)
  await settle(world)
  const endWatch = async () => {
    world.api.faults.endWatches()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await world.sees('a watch', () => world.api.watches(services) === 1)
  }
  // The next watch may begin before the connection of the last one is free.
  await endWatch()
  const before = world.api.connections()
  for (let i = 0; i < 5; i += 1) await endWatch()
  t.equal(world.api.connections(), before, 'a watch that ends in order leaves its connection')
  t.equal(world.api.watches(ingresses), 0)
})
