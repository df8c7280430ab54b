// Is what the documentation names really there? Flags, environment variables, metrics, annotations, chart values, npm scripts,
// failure codes and links of docs/ and the pages in the root. Files and sections: references.test.ts.
//
// Rule for writers: flags of other programs are written without their dashes, so that each `--flag` in prose is Weir's (or
// Node's). In command blocks only lines that run Weir are looked at.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { createControllerMetrics } from '../controller/metrics.ts'
import { controllerOptions } from '../controller/settings-table.ts'
import { families } from '../proxy/observe/families.ts'
import { createProxyMetrics } from '../proxy/observe/metrics-registry.ts'
import { proxyOptions } from '../proxy/settings-table.ts'
import { createRegistry } from '../shared/metrics.ts'
import { configOption } from '../shared/options.ts'
import { optionEnv, optionKey } from '../shared/options-table.ts'
import { failures } from '../shared/routing/failure.ts'
import { families as annotationFamilies } from '../shared/routing/ingress/annotations/families.ts'
import { ManualClock } from '../shared/testing/manual-clock.ts'

const root = join(import.meta.dirname, '..')

interface Page {
  readonly path: string
  readonly text: string
  /** Fenced blocks, with continued lines joined. */
  readonly blocks: readonly string[]
  /** Inline code outside of them. */
  readonly spans: readonly string[]
}

function readPage(path: string): Page {
  const text = readFileSync(join(root, path), 'utf8')
  const fence = /^```.*\n([\s\S]*?)^```$/gm
  const blocks = [...text.matchAll(fence)].map(([, block = '']) => block.replaceAll('\\\n', ' '))
  const spans = [...text.replace(fence, '').matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span)
  return { path, text, blocks, spans }
}

const rootPages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
const pages = [...rootPages, ...globSync('docs/*.md', { cwd: root }).sort()].map(readPage)

/** Runs one test per page: `found` lists what is named, and each must be known. */
function eachNamed(
  what: string,
  found: (page: Page) => Iterable<string>,
  isKnown: (name: string, page: Page) => boolean,
): void {
  t.test(`each ${what} exists`, async (t) => {
    let count = 0
    for (const page of pages) {
      for (const name of new Set(found(page))) {
        count += 1
        t.ok(isKnown(name, page), `${page.path}: ${name}`)
      }
    }
    t.not(count, 0, 'the guard has seen some')
  })
}

const optionNames = Object.keys({ ...proxyOptions, ...controllerOptions, ...configOption })
const flags = new Set(['help', 'version', ...optionNames.map(optionKey)])
const environment = new Set(optionNames.map(optionEnv))

const runsWeir = /npm run (?:proxy|controller) --|(?:proxy|controller)\/main\.(?:ts|js)/

eachNamed(
  'flag',
  function* ({ blocks, spans }) {
    const lines = blocks.flatMap((block) => block.split('\n')).filter((line) => runsWeir.test(line))
    const own = spans.filter((span) => /^--(?!set\b)/.test(span) || runsWeir.test(span))
    for (const text of [...lines, ...own]) {
      for (const [, flag = ''] of text.matchAll(/(?<![\w-])--(?:\[no-\])?([a-z][a-z0-9-]*)/g))
        yield flag
    }
  },
  (flag) =>
    flags.has(flag) ||
    flags.has(flag.replace(/^no-/, '')) ||
    process.allowedNodeEnvironmentFlags.has(`--${flag}`),
)

eachNamed(
  'environment variable',
  ({ text }) => [...text.matchAll(/\bWEIR_[A-Z0-9_]+\b/g)].map(([name]) => name),
  (name) => environment.has(name),
)

const metricNames = await exportedMetrics()

eachNamed(
  'metric',
  // Recording rules hold a name between colons; `weir_worker_…` is a group of names.
  ({ text }) =>
    [...text.matchAll(/(?<![\w:])weir_[a-z0-9_]*[a-z0-9](?![\w:])/g)].map(([name]) => name),
  (name) => metricNames.has(name) || metricNames.has(name.replace(/_(?:bucket|sum|count)$/, '')),
)

async function exportedMetrics(): Promise<ReadonlySet<string>> {
  const registry = createRegistry({ nodeMetrics: false })
  const sources = { isLeader: () => true, syncAgeSeconds: () => 0, watchAgesMs: () => ({}) }
  createControllerMetrics(registry, sources)
  const clock = new ManualClock()
  const options = { clock, version: '', watchAges: () => ({}), maxConnections: 1 }
  const metrics = createProxyMetrics(options)
  const names = new Set<string>(Object.values(families).map(({ name }) => name))
  for (const pieces of [metrics.pieces(), registry.pieces()]) {
    for await (const piece of pieces) {
      for (const [, name = ''] of piece.matchAll(/^# TYPE (\S+)/gm)) names.add(name)
    }
  }
  return names
}

const annotationKeys = new Set(
  annotationFamilies.flatMap(({ prefix, rows }) => rows.map(({ key }) => `${prefix}${key}`)),
)
// Written in Kubernetes objects that are no Ingresses, or values of other fields.
const otherKeys = new Set([
  'weir.dev/ingress',
  'weir.dev/target-healthy',
  'zalando.org/routegroup',
  'zalando.org/v1',
])

eachNamed(
  'annotation',
  ({ text }) =>
    [
      ...text.matchAll(
        /\b(?:weir\.dev|zalando\.org|nginx\.ingress\.kubernetes\.io)\/[a-z][a-z0-9-]*/g,
      ),
    ].map(([key]) => key),
  (key) => annotationKeys.has(key) || otherKeys.has(key),
)

eachNamed(
  'npm script',
  ({ text }) => [...text.matchAll(/npm run ([a-z][a-z0-9:]*)/g)].map(([, name = '']) => name),
  (name) => Object.hasOwn(readJson('package.json').scripts ?? {}, name),
)

const schema = readJson('deploy/chart/values.schema.json')

eachNamed(
  'chart value',
  function* ({ blocks, spans }) {
    for (const text of [...blocks, ...spans]) {
      for (const [, path = ''] of text.matchAll(/--set(?:-string)? ['"]?([A-Za-z][\w.-]*)=/g))
        yield path
    }
    for (const span of spans) {
      const [, path = '', top = ''] =
        /^(([a-zA-Z]+)(?:\.[a-zA-Z][\w-]*)+)(?:=.*)?$/.exec(span) ?? []
      if (top !== '' && Object.hasOwn(schema.properties ?? {}, top)) yield path
    }
  },
  (path) => isInSchema(schema, path.split('.')),
)

interface Json {
  readonly scripts?: Readonly<Record<string, string>>
  readonly properties?: Readonly<Record<string, Json>>
  readonly additionalProperties?: Json | boolean
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Json>>
}

function readJson(path: string): Json {
  // Our own files.
  return JSON.parse(readFileSync(join(root, path), 'utf8')) as Json
}

function isInSchema(node: Json, path: readonly string[]): boolean {
  const [key, ...rest] = path
  if (key === undefined) return true
  if (node.$ref !== undefined) {
    const target = schema.$defs?.[node.$ref.replace('#/$defs/', '')]
    return target !== undefined && isInSchema(target, path)
  }
  const child = node.properties?.[key] ?? node.additionalProperties
  if (child === undefined || child === false) return false
  return child === true || isInSchema(child, rest)
}

eachNamed(
  'link',
  ({ text }) => [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target),
  (target, page) => {
    if (/^https?:/.test(target)) return true
    const [file = '', anchor] = target.split('#')
    const path = file === '' ? page.path : join(dirname(page.path), file)
    if (!existsSync(join(root, path))) return false
    return anchor === undefined || anchors(path).has(anchor)
  },
)

/** The names that GitHub gives to headings. */
function anchors(path: string): ReadonlySet<string> {
  const headings = readFileSync(join(root, path), 'utf8').matchAll(/^#+ (.*)$/gm)
  const toName = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
  return new Set([...headings].map(([, heading = '']) => toName(heading)))
}

t.test('the table of failures in operations.md has each code with its status', async (t) => {
  const { text } = readPage('docs/operations.md')
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \| (\d{3}) \|/gm)]
  const shown = rows.map(([, code, status]) => `${code} ${status}`)
  const real = Object.entries(failures).map(([code, { status }]) => `${code} ${status}`)
  t.strictSame(shown.sort(), real.sort())
})

t.test('the grace periods in operations.md are the chart’s', async (t) => {
  const { text } = readPage('docs/operations.md')
  const template = readFileSync(join(root, 'deploy/chart/templates/_drain.tpl'), 'utf8')
  const values = readFileSync(join(root, 'deploy/chart/values.yaml'), 'utf8')
  const [, nlb, alb] =
    /ternary (\d+) (\d+) \(eq \.Values\.loadBalancer\.type "nlb"\)/.exec(template) ?? []
  const finish = /finishSeconds: (\d+)/.exec(values)?.[1]
  for (const drain of [alb, nlb]) {
    const sum = Number(drain) + Number(finish) + 10
    t.match(text, new RegExp(`${drain} \\+ ${finish} \\+ 10 = +${sum}`))
  }
})

t.test('the page on Skipper speaks of each annotation of its family', async (t) => {
  const { text } = readPage('docs/migrate-from-skipper.md')
  const zalando = annotationFamilies.find(({ prefix }) => prefix === 'zalando.org/')
  for (const { key } of zalando?.rows ?? []) t.ok(text.includes(`zalando.org/${key}\``), key)
})
