// `npm run lint`: prints each import that crosses a border and each file that is too long, and fails when there is one.
import { findBreaches } from './check.ts'
import { findLongFiles } from './lengths.ts'
import { readTree } from './read-tree.ts'

const tree = readTree()
const breaches = [...findBreaches(tree), ...findLongFiles(tree)]
for (const breach of breaches) console.error(breach)
if (breaches.length > 0) process.exitCode = 1
