// Is every file, folder and numbered section that documents and comments name still there?
//
// A reference is a path from the root or the end of one (`upstream/retry.ts`, `main.ts`); `*` and `<family>` stand for any name.
// A section is written as name of the page, space, `§3`: there a heading begins with that number.
import { globSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '..')
const ours = [
  '{proxy,controller,shared,bench,deploy,docs,test}/**/*',
  '.ci/run',
  '*.{md,json}',
  'Dockerfile',
]
const entries = globSync(ours, { cwd: root, withFileTypes: true })
  .map((entry) => {
    const path = join(entry.parentPath, entry.name).slice(root.length + 1)
    return path.replaceAll(sep, '/') + (entry.isDirectory() ? '/' : '')
  })
  .filter((path) => !path.includes('node_modules/'))
const folders = ['proxy/', 'controller/', 'shared/', 'bench/', 'deploy/', 'docs/', 'test/']
const known = [...entries, ...folders]

function exists(reference: string): boolean {
  const pattern = reference
    .replace(/[.+()[\]]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replace(/<\w+>/g, '[^/]+')
  const ends = new RegExp(`(?:^|/)${pattern}${reference.endsWith('/') ? '' : '/?'}$`)
  return known.some((path) => ends.test(path))
}

function hasSection(page: string, number: string): boolean {
  const path = entries.find((each) => each === page || each.endsWith(`/${page}`))
  if (path === undefined) return false
  const heading = new RegExp(`^#+ ${number.replaceAll('.', '\\.')}[. ]`, 'm')
  return heading.test(readFileSync(join(root, path), 'utf8'))
}

const extension = '(?:ts|md|json|ya?ml|tpl|sh|tf)'
const path = new RegExp(`^[\\w<*-][\\w.<>*-]*(?:/[\\w.<>*-]+)*(?:\\.${extension}|/)$`)
const fromRoot = /^(?:proxy|controller|shared|bench|deploy|docs|test)\/[\w./<>*-]*$/
// Made by a command, or prefixes of annotations and labels.
const elsewhere = /^dist\/$|^[\w*-]+(?:\.[\w-]+)+\/$/

/** What a page names: words of inline code that read as a path, and in command blocks those from the root. */
function namedInPage(text: string): string[] {
  const fence = /^```.*\n([\s\S]*?)^```$/gm
  const blocks = [...text.matchAll(fence)].flatMap(([, block = '']) => block.split(/\s+/))
  const spans = [...text.replace(fence, '').matchAll(/`([^`\n]+)`/g)]
  const words = spans.flatMap(([, span = '']) => span.split(' '))
  return [
    ...words.filter((word) => (path.test(word) || fromRoot.test(word)) && !elsewhere.test(word)),
    ...blocks.filter((word) => fromRoot.test(word) && path.test(word)),
  ]
}

/** What the comments of a source name: our own kinds of files, as comments rarely name others. */
function namedInComments(text: string): string[] {
  const lines = text.split('\n').filter((line) => /^\s*(?:\/\/|\/?\*|#)/.test(line))
  const names = /(?<![\w./<*-])(?:[\w<*-][\w.<>*-]*\/)*[\w<*-][\w.<>*-]*\.(?:ts|md|tpl)(?![\w-])/g
  return lines.flatMap((line) => [...line.matchAll(names)].map(([name]) => name))
}

function sectionsIn(text: string): { page: string; number: string }[] {
  return [...text.matchAll(/([\w/-]+\.md)`? §(\d+(?:\.\d+)*)/g)].map(
    ([, page = '', number = '']) => ({ page, number }),
  )
}

const pages = ['*.md', 'docs/*.md', 'deploy/**/*.md'].flatMap((glob) =>
  globSync(glob, { cwd: root }),
)
const sources = entries.filter((each) => /\.(?:ts|tpl|tf|sh|ya?ml)$/.test(each))

const cases = [
  { name: 'proxy/serve/exchange.ts', there: true, why: 'from the root' },
  { name: 'serve/exchange.ts', there: true, why: 'the end of a path' },
  { name: 'change.ts', there: false, why: 'only whole names count' },
  { name: 'wire/exchange.ts', there: false, why: 'a folder that is gone' },
  { name: 'proxy/serve/', there: true, why: 'a folder' },
  { name: 'proxy/serve/exchange.ts/', there: false, why: 'a file is no folder' },
  { name: 'annotations/<family>.ts', there: true, why: 'any name' },
  { name: 'bench/micro/*.bench.ts', there: true, why: 'any name' },
  { name: 'serve/*.bench.ts', there: false, why: 'none of these' },
]

t.test('what counts as there', async (t) => {
  for (const { name, there, why } of cases) t.equal(exists(name), there, `${name}: ${why}`)
  t.ok(hasSection('ARCHITECTURE.md', '3'))
  t.notOk(hasSection('ARCHITECTURE.md', '33'))
  t.strictSame(namedInPage('`node serve/a.ts` and `ws://x/`, `weir.dev/`, a/b.ts'), ['serve/a.ts'])
  t.strictSame(namedInComments('// see a/b.ts and c.d.ts\nconst x = "e.ts"'), ['a/b.ts', 'c.d.ts'])
})

t.test('each file and folder that a document names exists', async (t) => {
  let count = 0
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const name of new Set(namedInPage(text))) {
      count += 1
      t.ok(exists(name), `${page}: ${name}`)
    }
  }
  t.ok(count > 100)
})

t.test('each file that a comment names exists', async (t) => {
  let count = 0
  for (const source of sources) {
    const text = readFileSync(join(root, source), 'utf8')
    for (const name of new Set(namedInComments(text))) {
      count += 1
      if (!exists(name)) t.fail(`${source}: ${name}`)
    }
  }
  t.ok(count > 50)
})

t.test('each section that is named by its number exists', async (t) => {
  for (const file of [...pages, ...sources]) {
    for (const { page, number } of sectionsIn(readFileSync(join(root, file), 'utf8'))) {
      t.ok(hasSection(page, number), `${file}: ${page} §${number}`)
    }
  }
})
