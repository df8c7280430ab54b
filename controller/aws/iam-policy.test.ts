// deploy/iam/target-group.json holds exactly what the code calls.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import policy from '../../deploy/iam/target-group.json' with { type: 'json' }
import { iamAction, type Operation, operations } from './operations.ts'

const root = new URL('../..', import.meta.url).pathname

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => join(folder, path))
}

function namesIn(pattern: RegExp, paths: readonly string[]): Set<string> {
  const text = paths.map((path) => readFileSync(join(root, path), 'utf8')).join('\n')
  return new Set([...text.matchAll(pattern)].map(([, name = '']) => name))
}

t.test(
  'every operation in the table is allowed, on the resource that the table says',
  async (t) => {
    const wanted = { '*': new Set<string>(), 'target-group': new Set<string>() }
    for (const [name, { resource }] of Object.entries(operations)) {
      // Keys of the table are operations.
      wanted[resource].add(iamAction(name as Operation))
    }
    for (const statement of policy.Statement) {
      const resource = statement.Resource === '*' ? '*' : 'target-group'
      t.equal(statement.Effect, 'Allow')
      t.strictSame(new Set(statement.Action), wanted[resource])
    }
    t.equal(policy.Statement.length, 2)
  },
)

t.test('the code sends no command that is not in the table', async (t) => {
  const used = namesIn(/\bnew ([A-Z]\w+)Command\(/g, sources('controller/aws'))
  t.strictSame([...used].sort(), Object.keys(operations).sort())
})

t.test('only controller/aws imports the AWS SDK', async (t) => {
  const importers = [...sources('controller'), ...sources('shared'), ...sources('proxy')].filter(
    (path) => /from '@aws-sdk\//.test(readFileSync(join(root, path), 'utf8')),
  )
  t.ok(importers.every((path) => path.startsWith('controller/aws/')))
  t.ok(importers.length > 0)
})

t.test('nothing in controller imports from proxy', async (t) => {
  const guilty = sources('controller').filter((path) =>
    /from '(\.\.\/)+proxy\//.test(readFileSync(join(root, path), 'utf8')),
  )
  t.strictSame(guilty, [])
})
