// Does the checker refuse what it must? Each border gets a forbidden import planted into the real tree.
import t from 'tap'
import { findBreaches, isTest, roomOf, type Tree } from './check.ts'
import { readTree } from './read-tree.ts'
import { owners, type Room, rooms } from './rooms.ts'

const tree = readTree()

t.test('the tree keeps its borders', async (t) => {
  t.ok(tree.size > 400)
  t.strictSame(findBreaches(tree), [])
})

/** What is said of one file when a line more stands in it. */
function plant(path: string, line: string): string[] {
  return findBreaches(new Map([[path, `${line}\n${tree.get(path) ?? ''}`]]))
}

/** Rooms that hold files of the product, with one of them. */
const samples = new Map<string, string>()
for (const path of tree.keys()) {
  const room = isTest(path) ? undefined : roomOf(path)
  if (room !== undefined && !samples.has(room)) samples.set(room, path)
}

const rowOf = (name: string): Room => rooms[name] ?? { paths: [], uses: [] }

t.test('each room has files', async (t) => {
  t.strictSame([...samples.keys()].sort(), Object.keys(rooms).sort())
})

// Written once more by hand, so that a slip in the table is seen: no way leads from the one to the other.
const mustNotReach = [
  { from: 'shared', to: ['proxy', 'control', 'serve', 'controller', 'routing', 'feed'] },
  { from: 'routing', to: ['sources', 'feed', 'kube', 'serve', 'control', 'controller'] },
  { from: 'sources', to: ['feed', 'kube', 'translation'] },
  { from: 'translation', to: ['feed', 'kube'] },
  { from: 'net', to: ['http', 'http1', 'upstream', 'serve', 'observe'] },
  { from: 'http', to: ['http1', 'upstream', 'serve', 'observe'] },
  { from: 'http1', to: ['upstream', 'serve'] },
  { from: 'upstream', to: ['serve'] },
  { from: 'observe', to: ['serve', 'control', 'upstream', 'http', 'http1', 'net'] },
  { from: 'serve', to: ['control', 'feed', 'kube', 'sources', 'translation', 'worker'] },
  { from: 'worker', to: ['control', 'feed', 'kube', 'sources', 'translation', 'controller'] },
  { from: 'control', to: ['serve', 'upstream', 'http', 'http1', 'net', 'worker', 'controller'] },
  { from: 'proxy', to: ['serve', 'upstream', 'http', 'http1', 'net', 'controller'] },
  { from: 'controller', to: ['proxy', 'control', 'serve', 'observe', 'settings', 'messages'] },
  { from: 'aws', to: ['controller', 'kube'] },
]

t.test('the arrows lead where the house wants them', async (t) => {
  for (const { from, to } of mustNotReach) {
    const reached = reach(from)
    for (const each of to) t.notOk(reached.has(each), `${from} does not reach ${each}`)
  }
  for (const name of Object.keys(rooms)) t.notOk(reach(name).has(name), `${name} is in no circle`)
})

/** Every room that a room runs code of, by however many steps. */
function reach(from: string): Set<string> {
  const reached = new Set<string>()
  const queue = [from]
  for (let room = queue.pop(); room !== undefined; room = queue.pop()) {
    const { uses } = rowOf(room)
    for (const next of uses === 'all' ? [] : uses) {
      if (reached.has(next)) continue
      reached.add(next)
      queue.push(next)
    }
  }
  return reached
}

t.test('a forbidden import is refused at every border', async (t) => {
  let planted = 0
  for (const [from, path] of samples) {
    const { uses, types = [] } = rowOf(from)
    for (const to of samples.keys()) {
      if (to === from || uses === 'all' || uses.includes(to)) continue
      const file = `${rowOf(to).paths[0]?.replace(/\.ts$/, '')}/new.ts`
      const target = samples.get(to) ?? file
      const spec = relative(path, target)
      t.match(
        plant(path, `import { x } from '${spec}'`).join('\n'),
        `${path}: imports ${target}: ${from} may import`,
        `${from} → ${to}`,
      )
      const asType = plant(path, `import type { X } from '${spec}'`)
      t.equal(asType.length, types.includes(to) ? 0 : 1, `types of ${to} in ${from}`)
      planted++
    }
  }
  t.ok(planted > 100)
})

function relative(from: string, to: string): string {
  return `${'../'.repeat(from.split('/').length - 1)}${to}`
}

t.test(
  'a package is imported by its owner only, and the owner keeps every other border',
  async (t) => {
    for (const [name, places] of Object.entries(owners)) {
      for (const [room, path] of samples) {
        const owned = places.some((place) => path === place || path.startsWith(`${place}/`))
        const said = plant(path, `import { x } from '${name}'`)
        t.equal(said.length, owned ? 0 : 1, `${name} in ${room}`)
      }
      for (const place of places) {
        const path = tree.has(place) ? place : [...tree.keys()].find((p) => p.startsWith(place))
        if (path === undefined) throw new Error(`nothing is at ${place}`)
        t.strictSame(plant(path, `import { x } from '${name}'`), [], `${place} imports ${name}`)
        const other = Object.keys(owners).find((each) => !owners[each]?.includes(place))
        t.equal(plant(path, `import { x } from '${other}'`).length, 1, `${place} imports ${other}`)
        if (rowOf(roomOf(path) ?? '').uses === 'all') continue
        t.equal(
          plant(path, `import { x } from '${relative(path, 'proxy/main.ts')}'`).length,
          1,
          `${place} imports proxy/main.ts`,
        )
      }
    }
  },
)

const others: readonly { why: string; path: string; line: string; says: string }[] = [
  {
    why: 'a package that nobody owns',
    path: 'proxy/net/listener.ts',
    line: "import { x } from 'left-pad'",
    says: 'it has no owner',
  },
  {
    why: 'a part of a package',
    path: 'proxy/net/listener.ts',
    line: "import { x } from 'undici/lib/api.js'",
    says: 'only shared/http.ts',
  },
  {
    why: 'an import when it is called',
    path: 'proxy/net/listener.ts',
    line: "const x = await import('../serve/exchange.ts')",
    says: 'net may import',
  },
  {
    why: 'an import whose name is computed',
    path: 'proxy/net/listener.ts',
    line: 'const x = await import(name)',
    says: 'only proxy/load-filters.ts may',
  },
  {
    why: 'an export of what another exports',
    path: 'proxy/net/listener.ts',
    line: "export { x } from '../serve/exchange.ts'",
    says: 'net may import',
  },
  {
    why: 'a statement of several lines',
    path: 'proxy/net/listener.ts',
    line: "import {\n  x,\n  y,\n} from '../serve/exchange.ts'",
    says: 'net may import',
  },
  {
    why: 'an import for its effect',
    path: 'proxy/net/listener.ts',
    line: "import '../serve/exchange.ts'",
    says: 'net may import',
  },
  {
    why: 'an import behind a type of the same file',
    path: 'shared/feed/feed.ts',
    line: "export type A = number\nimport { x } from '../routing/translate.ts'",
    says: 'feed may import',
  },
  {
    why: 'a test from the product',
    path: 'proxy/net/listener.ts',
    line: "import { x } from '../../test/support/ask.ts'",
    says: 'only tests import tests',
  },
  {
    why: 'a stand-in from the product',
    path: 'proxy/control/control-thread.ts',
    line: "import { x } from '../../shared/testing/manual-clock.ts'",
    says: 'only tests import tests',
  },
  {
    why: 'a tool from the product',
    path: 'shared/log.ts',
    line: "import { x } from '../deploy/sbom.ts'",
    says: 'shared may import',
  },
  {
    why: 'a file of a new folder',
    path: 'proxy/new/file.ts',
    line: "import { x } from '../net/listener.ts'",
    says: 'is in no room',
  },
  {
    why: 'a new folder',
    path: 'proxy/net/listener.ts',
    line: "import { x } from '../new/file.ts'",
    says: 'is in no room',
  },
  {
    why: 'the environment by another way',
    path: 'proxy/net/listener.ts',
    line: "import { env } from 'node:process'",
    says: 'nobody may',
  },
]

t.test('the ways around', async (t) => {
  for (const { why, path, line, says } of others) {
    t.match(plant(path, line).join('\n'), says, why)
  }
})

t.test('two files never import each other, not for their types either', async (t) => {
  const path = 'proxy/http1/head-gatherer.ts'
  for (const keyword of ['import', 'import type']) {
    const line = `${keyword} { x } from './client-connection.ts'\n`
    const said = findBreaches(new Map(tree).set(path, line + tree.get(path)))
    t.match(said.join('\n'), /^circle: .*head-gatherer.* → .*client-connection/, keyword)
    t.equal(said.length, 1)
  }
})

t.test('tests may import everything', async (t) => {
  const lines = ["import t from 'tap'", "import { x } from '../../controller/leader.ts'"]
  for (const line of lines) t.strictSame(plant('proxy/net/new.test.ts', line), [])
})

t.test('a text that only looks like an import is left alone', async (t) => {
  const lookalikes: Tree = new Map([
    ['shared/a.ts', "// export the name from 'x'\nexport const from = 'undici'\n"],
    ['shared/b.ts', "export type Kind = 'undici' | 'pino'\n"],
    ['shared/c.ts', "export function f(from = 'undici') {\n  return from\n}\n"],
  ])
  t.strictSame(findBreaches(lookalikes), [])
})

const environment = [
  { path: 'proxy/serve/exchange.ts', refused: true },
  { path: 'proxy/control/control-thread.ts', refused: true },
  { path: 'shared/log.ts', refused: true },
  { path: 'shared/kube/config.ts', refused: true },
  { path: 'controller/leader.ts', refused: true },
  { path: 'deploy/bundle.ts', refused: true },
  { path: 'proxy/main.ts', refused: false },
  { path: 'proxy/worker.ts', refused: false },
  { path: 'proxy/demo/main.ts', refused: false },
  { path: 'controller/main.ts', refused: false },
  { path: 'bench/main.ts', refused: false },
  { path: 'test/image/run.ts', refused: false },
]

t.test('nobody but main.ts and worker.ts reads the environment', async (t) => {
  for (const { path, refused } of environment) {
    for (const line of [
      'const home = process.env.HOME',
      "const home = process['env']",
      'const { env } = process',
      'const { pid, env: all } = process',
      'readSettings(process)',
    ]) {
      const said = plant(path, line).map((each) => /: .*$/.exec(each)?.[0])
      const expected = ': reads the environment: only main.ts and worker.ts may'
      t.strictSame(said, refused ? [expected] : [], `${path}: ${line}`)
    }
    t.strictSame(plant(path, 'const pid = process.pid'), [], `${path} reads other things`)
  }
})
