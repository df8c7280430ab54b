// Is a file still one idea? Pure: texts in, those that are too long out.
//
// Tests are left out: a table of cases is as long as it has cases.
import { isTest, type Tree } from './check.ts'

const maxLines = 400

/** Files that are read from top to bottom, and kept shorter for that. */
const shorter: ReadonlyMap<string, number> = new Map([['proxy/serve/exchange.ts', 300]])

/** Says which files of a tree are too long, one line for each. */
export function findLongFiles(tree: Tree): string[] {
  const long: string[] = []
  for (const [path, text] of tree) {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
    const most = shorter.get(path) ?? maxLines
    if (lines > most && !isTest(path)) long.push(`${path}: ${lines} lines: ${most} at most`)
  }
  return long
}
