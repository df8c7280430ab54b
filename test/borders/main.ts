// `npm run lint`: prints each import that crosses a border, and fails when there is one.
import { findBreaches } from './check.ts'
import { readTree } from './read-tree.ts'

const breaches = findBreaches(readTree())
for (const breach of breaches) console.error(breach)
if (breaches.length > 0) process.exitCode = 1
