// What stands in a file that a filter names, and that the operator lets filters read?
//
// Invariant: nothing outside of the folder of `--auth-files` is opened.
import { readFile } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import type { Clock } from '../../../shared/clock.ts'

/** What files are followed with. */
export interface FilesOptions {
  readonly clock: Clock
  /** The folder of `--auth-files`; undefined: there is none. */
  readonly filesBelow: string | undefined
}

const pollMs = 5000
const maxBytes = 1 << 20

/** Follows one file; `onText` gets its text (latin1) when it changed, and undefined when it cannot be read. */
export function followFile(
  { clock, filesBelow }: FilesOptions,
  path: string,
  onText: (text: string | undefined) => void,
): () => void {
  const place = resolve(path)
  const isAllowed = filesBelow !== undefined && place.startsWith(resolve(filesBelow) + sep)
  let last: string | undefined
  let hasAnswered = false
  let isCancelled = false
  let cancelTimer = () => {}
  async function look(): Promise<void> {
    const text = isAllowed ? await readText(place) : undefined
    if (isCancelled) return
    if (isAllowed) cancelTimer = clock.after(pollMs, () => void look())
    if (hasAnswered && text === last) return
    hasAnswered = true
    last = text
    onText(text)
  }
  void look()
  return () => {
    isCancelled = true
    cancelTimer()
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    const bytes = await readFile(path)
    return bytes.length > maxBytes ? undefined : bytes.toString('latin1')
  } catch {
    return undefined
  }
}
