// Follows manifests on a real file system, with the clock in the test's hand.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Service } from '../kube/objects.ts'
import { services } from '../kube/resources.ts'
import { eventually } from '../testing/eventually.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import type { Feed, FeedUpdate } from './feed.ts'
import { createManifestFeed } from './manifest-feed.ts'

const kinds = [{ resource: services, isOptional: false }]

function service(name: string, port = 80): string {
  return `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: ${port}}]}\n---\n`
}

function listed(update: FeedUpdate | undefined): readonly Service[] {
  return update?.snapshot.list(services) ?? []
}

interface World {
  readonly folder: string
  readonly updates: FeedUpdate[]
  readonly warnings: string[]
  readonly clock: ManualClock
  readonly feed: Feed
  write(name: string, text: string): void
  /** Names and ports of the services, sorted. */
  services(): string
  /** Waits until these are the services. */
  gives(services: string): Promise<void>
  sees(what: string, isTrue: () => boolean): Promise<void>
  /** Lets several looks happen. */
  lookOften(): Promise<void>
  problems(): string[]
}

function createWorld(t: Test, files: Record<string, string>, paths?: readonly string[]): World {
  const folder = join(mkdtempSync(join(tmpdir(), 'weir-')), 'manifests')
  mkdirSync(folder)
  const clock = new ManualClock()
  const updates: FeedUpdate[] = []
  const warnings: string[] = []
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  for (const [name, text] of Object.entries(files)) write(name, text)
  const feed = createManifestFeed({
    paths: paths?.map((path) => join(folder, path)) ?? [folder],
    clock,
    log: { warn: (_, message) => void warnings.push(message) },
  })
  t.teardown(() => feed.stop())
  feed.start(kinds, (update) => void updates.push(update))
  const names = () =>
    listed(updates.at(-1))
      .map((s) => `${s.metadata?.name}:${s.spec?.ports?.[0]?.port}`)
      .sort()
      .join(' ')
  const sees = (what: string, isTrue: () => boolean) =>
    eventually(what, isTrue, () => clock.advance(50))
  return {
    folder,
    updates,
    warnings,
    clock,
    feed,
    write,
    services: names,
    sees,
    gives: (wanted) => sees(wanted, () => updates.length > 0 && names() === wanted),
    async lookOften() {
      const until = clock.now() + 3000
      await sees('three seconds', () => clock.now() > until)
    },
    problems: () =>
      (updates.at(-1)?.problems ?? []).map(({ reason, name, field }) =>
        `${reason} ${name} ${field}`.replaceAll(`${folder}/`, ''),
      ),
  }
}

t.test(
  'reads a folder with its folders, and follows what is added, changed and removed',
  async (t) => {
    const world = createWorld(t, { 'a.yaml': service('a'), 'notes.txt': 'kind: [' })
    mkdirSync(join(world.folder, 'sub'))
    mkdirSync(join(world.folder, '.git'))
    await world.gives('a:80')
    world.write('sub/b.yml', service('b'))
    world.write('.git/c.yaml', service('c'))
    world.write('.d.yaml', service('d'))
    await world.gives('a:80 b:80')
    const [a] = listed(world.updates.at(-1))
    world.write('sub/b.yml', service('b', 81))
    await world.gives('a:80 b:81')
    t.equal(listed(world.updates.at(-1))[0], a, 'what did not change keeps its reference')
    unlinkSync(join(world.folder, 'sub/b.yml'))
    await world.gives('a:80')
    t.strictSame(world.problems(), [])
  },
)

t.test('an object that did not change keeps its reference when its file does', async (t) => {
  const world = createWorld(t, { 'a.yaml': service('a') + service('b') })
  await world.gives('a:80 b:80')
  const [a, b] = listed(world.updates.at(-1))
  world.write('a.yaml', `# new\n${service('a')}${service('b', 81)}`)
  await world.gives('a:80 b:81')
  const [a2, b2] = listed(world.updates.at(-1))
  t.equal(a2, a)
  t.not(b2, b)
})

t.test('nothing is published while nothing changes', async (t) => {
  const world = createWorld(t, { 'a.yaml': service('a') })
  await world.gives('a:80')
  world.write('a.yaml', service('a'))
  await world.lookOften()
  t.equal(world.updates.length, 1)
  t.ok((world.feed.ages().manifests ?? 0) < 1000)
})

t.test('a file that is empty for a moment, as while it is written, loses nothing', async (t) => {
  const world = createWorld(t, { 'a.yaml': service('a'), 'b.yaml': service('b') })
  await world.gives('a:80 b:80')
  world.write('a.yaml', '')
  world.write('b.yaml', service('b', 81))
  await world.sees('the other file', () => world.services().includes('b:81'))
  t.equal(world.services(), 'a:80 b:81')
  await world.gives('b:81')
  t.pass('an empty file that stays empty holds nothing')
})

t.test('a broken file keeps its last good objects and is reported with its line', async (t) => {
  const world = createWorld(t, { 'a.yaml': service('a') + service('b'), 'c.yaml': service('c') })
  await world.gives('a:80 b:80 c:80')
  world.write('a.yaml', `${service('a', 81)}x: [\n`)
  await world.sees('a problem', () => world.problems().length === 1)
  t.equal(world.services(), 'a:80 b:80 c:80')
  t.match(world.problems(), [/^unreadable-file a.yaml a.yaml:\d+$/])
  world.write('a.yaml', service('a', 82))
  await world.gives('a:82 c:80')
  t.strictSame(world.problems(), [])
})

t.test('of a file that was never in order, what can be read is served', async (t) => {
  const world = createWorld(t, { 'a.yaml': `${service('a')}x: [\n` })
  await world.gives('a:80')
  t.equal(world.problems().length, 1)
})

t.test('a file that is replaced by removing it first is never gone', async (t) => {
  const world = createWorld(t, { 'a.yaml': service('a'), 'b.yaml': service('b') })
  await world.gives('a:80 b:80')
  for (let port = 81; port < 84; port += 1) {
    unlinkSync(join(world.folder, 'a.yaml'))
    world.clock.advance(400)
    await new Promise((resolve) => setTimeout(resolve, 10))
    world.write('a.yaml', service('a', port))
    await world.gives(`a:${port} b:80`)
  }
  t.ok(world.updates.every((update) => listed(update).length === 2))
})

t.test('a folder that vanishes is served on, and reported, until it comes back', async (t) => {
  const world = createWorld(t, { 'a.yaml': service('a') })
  await world.gives('a:80')
  const aside = `${world.folder}-aside`
  renameSync(world.folder, aside)
  await world.sees('a problem', () => world.problems().length === 1)
  await world.lookOften()
  t.equal(world.services(), 'a:80')
  t.match(world.updates.at(-1)?.problems, [{ reason: 'unreadable-file', name: world.folder }])
  t.ok((world.feed.ages().manifests ?? 0) > 2000, 'the age grows')
  writeFileSync(join(aside, 'a.yaml'), service('a', 81))
  renameSync(aside, world.folder)
  await world.gives('a:81')
  t.strictSame(world.problems(), [])
})

t.test('a single file may be the root; when it vanishes it is served on', async (t) => {
  const world = createWorld(t, { 'routes.conf': service('a') }, ['routes.conf'])
  await world.gives('a:80')
  world.write('next', service('a', 81))
  renameSync(join(world.folder, 'next'), join(world.folder, 'routes.conf'))
  await world.gives('a:81')
  rmSync(join(world.folder, 'routes.conf'))
  await world.sees('a problem', () => world.problems().length === 1)
  t.equal(world.services(), 'a:81')
})

t.test('nothing is given before every root was there', async (t) => {
  const world = createWorld(t, { 'a.yaml': service('a') }, ['a.yaml', 'b.yaml'])
  await world.lookOften()
  t.equal(world.updates.length, 0)
  t.equal(world.warnings.length, 1, 'told once')
  world.write('b.yaml', service('b'))
  await world.gives('a:80 b:80')
})

t.test('a ConfigMap mount is followed when the kubelet swaps its link', async (t) => {
  const world = createWorld(t, {})
  const version = (name: string, port: number) => {
    mkdirSync(join(world.folder, name))
    world.write(`${name}/a.yaml`, service('a', port))
    symlinkSync(name, join(world.folder, '..tmp'))
    renameSync(join(world.folder, '..tmp'), join(world.folder, '..data'))
  }
  version('..v1', 80)
  symlinkSync('..data/a.yaml', join(world.folder, 'a.yaml'))
  await world.gives('a:80')
  version('..v2', 81)
  rmSync(join(world.folder, '..v1'), { recursive: true })
  await world.gives('a:81')
  t.ok(world.updates.every((update) => listed(update).length <= 1))
})

t.test('links that lead in a circle end', async (t) => {
  const world = createWorld(t, { 'a.yaml': service('a') })
  symlinkSync(world.folder, join(world.folder, 'loop'))
  await world.gives('a:80')
  await world.lookOften()
  t.equal(world.services(), 'a:80')
})

t.test(
  'of an object in two files the first by name counts, and the other is reported',
  async (t) => {
    const world = createWorld(t, { 'b.yaml': service('a', 2), 'a.yaml': service('a', 1) })
    await world.gives('a:1')
    t.match(world.updates.at(-1)?.problems, [
      { reason: 'conflict', kind: 'Service', namespace: 'default', name: 'a' },
    ])
    unlinkSync(join(world.folder, 'a.yaml'))
    await world.gives('a:2')
    t.strictSame(world.problems(), [])
  },
)

t.test(
  'a file that may not be read keeps its last good objects',
  { skip: process.getuid?.() === 0 && 'root may read everything' },
  async (t) => {
    const world = createWorld(t, { 'a.yaml': service('a') })
    await world.gives('a:80')
    world.write('a.yaml', service('a', 81))
    chmodSync(join(world.folder, 'a.yaml'), 0)
    await world.sees('a problem', () => world.problems().length === 1)
    chmodSync(join(world.folder, 'a.yaml'), 0o600)
    await world.gives('a:81')
  },
)

t.test(
  'a folder in the place of a file and a file in the place of a folder are followed',
  async (t) => {
    const world = createWorld(t, { 'a.yaml': service('a') })
    await world.gives('a:80')
    rmSync(join(world.folder, 'a.yaml'))
    mkdirSync(join(world.folder, 'a.yaml'))
    world.write('a.yaml/b.yaml', service('b'))
    await world.gives('b:80')
  },
)

t.test('a kind that nobody reads is said once, however many files hold it', async (t) => {
  const group = (name: string) =>
    `apiVersion: zalando.org/v1\nkind: RouteGroup\nmetadata: {name: ${name}}\n---\n`
  const world = createWorld(t, {
    'a.yaml': service('a') + group('one') + group('two'),
    'b.yaml': group('three'),
  })
  await world.gives('a:80')
  t.match(world.updates.at(-1)?.problems, [
    { reason: 'unread-kind', kind: 'RouteGroup', name: 'one', message: /3 of them/ },
  ])
  t.equal(world.problems().length, 1)
  const before = listed(world.updates.at(-1))
  world.write('b.yaml', '# none\n')
  await world.sees('two', () => /2 of them/.test(`${world.updates.at(-1)?.problems[0]?.message}`))
  t.equal(listed(world.updates.at(-1)), before, 'a kind of which nothing changed keeps its list')
})
