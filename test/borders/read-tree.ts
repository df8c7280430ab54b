// Which TypeScript files does this repository have?
import { globSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import type { Tree } from './check.ts'

const root = join(import.meta.dirname, '../..')

export function readTree(): Tree {
  const paths = globSync('{proxy,controller,shared,deploy,bench,test}/**/*.ts', { cwd: root })
  return new Map(
    paths.sort().map((path) => [path.replaceAll(sep, '/'), readFileSync(join(root, path), 'utf8')]),
  )
}
