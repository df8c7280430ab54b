// How does Go write a time (time.ParseDuration)?

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

// Go's times end at 2^63 ns. A text that is longer than any of them is not looked at: the pattern takes the square of its length.
const mostMs = 2 ** 63 / 1e6
const longest = 128

/** Reads a time such as `1h15m30.5s` in ms; undefined: it is none, or negative. `0` needs no unit. */
export function readDuration(text: string): number | undefined {
  if (text.length > longest) return undefined
  if (/^\+?0$/.test(text)) return 0
  if (!/^\+?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined
  let ms = 0
  for (const [, count = '', unit = ''] of text.matchAll(/(\d+\.?\d*|\.\d+)([a-zµμ]+)/g)) {
    ms += Number(count) * (unitMs[unit] ?? 0)
  }
  return ms <= mostMs ? ms : undefined
}
