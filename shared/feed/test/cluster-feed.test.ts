// The feed of a cluster over the wire: whole snapshots, quickly, whatever the order of the kinds.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../clock.ts'
import { createKubeClient } from '../../kube/client.ts'
import { loadKubeConfig } from '../../kube/config.ts'
import type { KubeObject } from '../../kube/objects.ts'
import {
  endpointSlices,
  ingressClasses,
  ingresses,
  secrets,
  services,
} from '../../kube/resources.ts'
import { type ApiServer, createApiServer } from '../../testing/api-server.ts'
import { eventually } from '../../testing/eventually.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { type ClusterFeedOptions, createClusterFeed } from '../cluster-feed.ts'
import type { Feed, FeedUpdate } from '../feed.ts'

const networking = 'networking.k8s.io/v1'
const ingress = (name: string, namespace = 'shop'): KubeObject => ({
  apiVersion: networking,
  kind: 'Ingress',
  metadata: { name, namespace },
})
const service = (name: string, namespace = 'shop'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
})
const slice = (name: string): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'shop' },
})
const weirClass: KubeObject = {
  apiVersion: networking,
  kind: 'IngressClass',
  metadata: { name: 'weir' },
}
const secret: KubeObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 's', namespace: 'shop' },
}

const kinds = [
  { resource: ingresses, isOptional: false },
  { resource: ingressClasses, isOptional: true },
  { resource: services, isOptional: false },
  { resource: endpointSlices, isOptional: false },
]

interface World {
  readonly api: ApiServer
  readonly clock: ManualClock
  readonly feed: Feed
  readonly updates: FeedUpdate[]
  readonly warnings: string[]
  sees(what: string, isTrue: () => boolean): Promise<void>
  /** How many objects of each kind the newest snapshot holds. */
  counts(): Record<string, number>
}

async function startWorld(
  t: Test,
  options: Pick<ClusterFeedOptions, 'namespace'> = {},
  prepare: (api: ApiServer) => void = () => undefined,
): Promise<World> {
  const api = await createApiServer()
  for (const object of [ingress('web'), service('web'), slice('web-1'), weirClass, secret]) {
    api.put(object)
  }
  prepare(api)
  const folder = await api.serviceAccountFolder(
    join(mkdtempSync(join(tmpdir(), 'weir-')), 'account'),
  )
  const config = await loadKubeConfig({
    env: api.env,
    clock: systemClock,
    serviceAccountFolder: folder,
  })
  const client = createKubeClient(config, { clock: systemClock })
  const clock = new ManualClock()
  const updates: FeedUpdate[] = []
  const warnings: string[] = []
  const log = { info: () => undefined, warn: (_: object, text: string) => void warnings.push(text) }
  const feed = createClusterFeed({ client, clock, random: () => 0.5, log, ...options })
  t.teardown(async () => {
    await feed.stop()
    await client.close()
    await api.close()
  })
  feed.start(kinds, (update) => void updates.push(update))
  return {
    api,
    clock,
    feed,
    updates,
    warnings,
    sees: (what, isTrue) => eventually(what, isTrue, () => clock.advance(100)),
    counts: () =>
      Object.fromEntries(
        [...kinds.map(({ resource }) => resource), secrets].map((resource) => [
          resource.plural,
          updates.at(-1)?.snapshot.list(resource).length ?? -1,
        ]),
      ),
  }
}

const whole = { ingresses: 1, ingressclasses: 1, services: 1, endpointslices: 1, secrets: 0 }

t.test('the first snapshot holds every kind; others are not even asked for', async (t) => {
  const world = await startWorld(t)
  await world.sees('a snapshot', () => world.updates.length > 0)
  t.strictSame(world.counts(), whole)
  t.equal(world.updates.length, 1)
  t.strictSame(world.updates[0]?.problems, [])
  t.notOk(world.api.requests.some((r) => r.resource === secrets))
  t.strictSame(Object.keys(world.feed.ages()).sort(), [
    'endpointslices',
    'ingressclasses',
    'ingresses',
    'services',
  ])
})

t.test('nothing is given while one kind cannot be read', async (t) => {
  const undo: (() => void)[] = []
  const world = await startWorld(t, {}, (api) => {
    undo.push(api.faults.answer({ resource: services, status: 500 }))
  })
  await world.sees('the others', () => world.api.watches() === 3)
  await world.sees('some tries', () => world.clock.now() > 5000)
  t.equal(world.updates.length, 0)
  for (const heal of undo) heal()
  await world.sees('a snapshot', () => world.updates.length > 0)
  t.strictSame(world.counts(), whole)
})

t.test('a change goes out at once and keeps what did not change', async (t) => {
  const world = await startWorld(t)
  await world.sees('watches', () => world.api.watches() === 4 && world.updates.length > 0)
  const [first] = world.updates
  const durations: number[] = []
  for (let i = 0; i < 50; i += 1) {
    const startedAtMs = performance.now()
    const seen = world.updates.length
    world.api.put(slice('web-2'))
    // The clock stands still: nothing here waits for a timer.
    await eventually('a snapshot', () => world.updates.length > seen)
    durations.push(performance.now() - startedAtMs)
  }
  durations.sort((a, b) => a - b)
  t.ok((durations[25] ?? 0) < 500, `median ${durations[25]?.toFixed(1)} ms`)
  const last = world.updates.at(-1)
  const [slices, slicesBefore] = [last, first].map((it) => it?.snapshot.list(endpointSlices) ?? [])
  t.equal(slices?.length, 2)
  t.equal(last?.snapshot.list(services), first?.snapshot.list(services), 'the same list')
  t.equal(slices?.[0], slicesBefore?.[0], 'the same object')
})

t.test('an Ingress may come before its Service', async (t) => {
  const world = await startWorld(t)
  await world.sees('watches', () => world.api.watches() === 4 && world.updates.length > 0)
  world.api.put(ingress('late'))
  await world.sees('the Ingress', () => world.counts().ingresses === 2)
  t.equal(world.counts().services, 1)
  world.api.put(service('late'))
  await world.sees('the Service', () => world.counts().services === 2)
})

t.test(
  'with a namespace, classes stay cluster-wide and all else is of the namespace',
  async (t) => {
    const world = await startWorld(t, { namespace: 'shop' }, (api) => {
      api.put(service('other', 'elsewhere'))
      api.put(ingress('other', 'elsewhere'))
    })
    await world.sees('a snapshot', () => world.updates.length > 0)
    t.strictSame(world.counts(), whole)
    const asked = world.api.requests
      .filter((r) => r.verb === 'list')
      .map((r) => `${r.resource.plural} ${r.namespace}`)
    t.strictSame(asked.sort(), [
      'endpointslices shop',
      'ingressclasses ',
      'ingresses shop',
      'services shop',
    ])
  },
)

t.test(
  'a missing permission for classes is a problem; the rest is served without them',
  async (t) => {
    const world = await startWorld(t, { namespace: 'shop' }, (api) => {
      api.faults.deny(['list', 'watch'], ingressClasses)
    })
    await world.sees('a snapshot', () => world.updates.length > 0)
    t.strictSame(world.counts(), { ...whole, ingressclasses: 0 })
    t.match(world.updates.at(-1)?.problems, [
      { reason: 'missing-permission', kind: 'IngressClass', namespace: '' },
    ])
  },
)

t.test('a kind that the cluster does not serve is empty until it does', async (t) => {
  const undo: (() => void)[] = []
  const world = await startWorld(t, {}, (api) => {
    const body = '404 page not found\n'
    undo.push(api.faults.answer({ resource: ingressClasses, status: 404, body }))
  })
  await world.sees('a snapshot', () => world.updates.length > 0)
  t.strictSame(world.counts(), { ...whole, ingressclasses: 0 })
  t.strictSame(world.updates.at(-1)?.problems, [])
  const since = world.clock.now()
  await world.sees('two minutes', () => world.clock.now() > since + 120_000)
  t.ok((world.feed.ages().ingressclasses ?? 0) < 60_000, 'nothing is missed, so nothing is old')
  t.equal(world.updates.length, 1, 'and nothing is said again')
  t.notOk(world.warnings.some((w) => /cannot read/.test(w)))
  for (const serve of undo) serve()
  await world.sees('its objects', () => world.counts().ingressclasses === 1)
})

t.test('nothing is given while a kind that is needed is not served', async (t) => {
  const world = await startWorld(t, {}, (api) => {
    api.faults.answer({ resource: services, status: 404 })
  })
  await world.sees('some tries', () => world.clock.now() > 5000)
  t.equal(world.updates.length, 0)
})

t.test(
  'a missing permission for Services keeps the proxy from starting, and says so',
  async (t) => {
    const world = await startWorld(t, {}, (api) => {
      api.faults.deny(['list', 'watch'], services)
    })
    await world.sees('a warning', () => world.warnings.some((w) => /may not list services/.test(w)))
    t.equal(world.updates.length, 0)
  },
)

t.test(
  'a permission that is taken away later is a problem; what is known is served on',
  async (t) => {
    const world = await startWorld(t)
    await world.sees('watches', () => world.api.watches() === 4 && world.updates.length > 0)
    world.api.faults.deny(['list', 'watch'], ingresses)
    world.api.faults.endWatches(ingresses)
    await world.sees('the problem', () => world.updates.at(-1)?.problems.length === 1)
    t.strictSame(world.counts(), whole)
  },
)

t.test('while the API server is away everything is served on, and the ages grow', async (t) => {
  const world = await startWorld(t)
  await world.sees('watches', () => world.api.watches() === 4 && world.updates.length > 0)
  await world.api.pause()
  await world.sees('a minute', () => world.clock.now() > 60_000 / 4)
  t.strictSame(world.counts(), whole)
  t.ok((world.feed.ages().services ?? 0) > 10_000)
  await world.api.resume()
  await world.sees('watches', () => world.api.watches(endpointSlices) === 1)
  world.api.put(slice('web-2'))
  await world.sees('a change', () => world.counts().endpointslices === 2)
})

t.test('after stop nothing is given any more', async (t) => {
  const world = await startWorld(t)
  await world.sees('watches', () => world.api.watches() === 4 && world.updates.length > 0)
  await world.feed.stop()
  const seen = world.updates.length
  world.api.put(service('late'))
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal(world.updates.length, seen)
  await eventually('no watches', () => world.api.watches() === 0)
})

t.test('as many Secrets as routes name are followed, and lists do not wait for them', async (t) => {
  const count = 80
  const names = Array.from({ length: count }, (_, at) => `certificate-${at}`)
  const world = await startWorld(t, {}, (api) => {
    for (const name of names) {
      api.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'shop' } })
    }
  })
  const seen = new Set<string>()
  for (const name of names) {
    world.feed.follow(
      { kind: 'Secret', namespace: 'shop', name },
      (object) => void seen.add(object?.metadata?.name ?? ''),
      () => undefined,
    )
  }
  await world.sees('every Secret', () => seen.size === count)
  await world.sees('a watch for each', () => world.api.watches(secrets) === count)
  world.api.faults.endWatches(ingresses)
  world.api.put(ingress('late'))
  await world.sees('an Ingress of a new list or watch', () => world.counts().ingresses === 2)
})
