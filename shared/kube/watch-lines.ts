// Cuts a stream of bytes into lines, however the bytes were packed. Pure.
//
// Invariant: a byte is copied at most twice, also when one line arrives in a thousand pieces.

const newline = 0x0a

/** Gathers bytes until a line is whole. */
export interface LineSplitter {
  /** Takes the next bytes; gives the lines that they complete, without their ends and without empty ones. */
  push(chunk: Buffer): string[]
  /** True when bytes of an unfinished line are held. */
  hasRest(): boolean
}

export function createLineSplitter(): LineSplitter {
  let held: Buffer[] = []
  return {
    push(chunk) {
      const lines: string[] = []
      let start = 0
      for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
        held.push(chunk.subarray(start, end))
        const line = (held.length === 1 ? (held[0] ?? chunk) : Buffer.concat(held)).toString('utf8')
        if (line.trim() !== '') lines.push(line)
        held = []
        start = end + 1
      }
      if (start < chunk.length) held.push(chunk.subarray(start))
      return lines
    },
    hasRest: () => held.length > 0,
  }
}
