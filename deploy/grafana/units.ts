// Numbers as people read them on a panel: Grafana's names of units, as far as the dashboards use them.

const perSecond: Readonly<Record<string, string>> = { reqps: ' req/s', ops: '/s', cps: '/s' }

/** Writes a value in a unit: `1.5 ms`, `12 %`, `98 req/s`. */
export function formatValue(value: number, unit: string): string {
  if (Number.isNaN(value)) return '–'
  switch (unit) {
    case 's':
      return formatSeconds(value)
    case 'percentunit':
      return `${round(value * 100)} %`
    case 'bytes':
      return value >= 1_073_741_824
        ? `${round(value / 1_073_741_824)} GiB`
        : `${round(value / 1_048_576)} MiB`
    default:
      return `${round(value)}${perSecond[unit] ?? ''}`
  }
}

function formatSeconds(seconds: number): string {
  const size = Math.abs(seconds)
  if (size >= 1 || size === 0) return `${round(seconds)} s`
  return size >= 0.001 ? `${round(seconds * 1000)} ms` : `${round(seconds * 1_000_000)} µs`
}

/** Three digits are enough to read. */
function round(value: number): string {
  return String(Number(value.toPrecision(3)))
}

/** Gives 0 and some round steps up to at least `most`. */
export function axisSteps(most: number, unit: string): number[] {
  // Bytes are read in MiB, the rest in powers of ten.
  const base = unit === 'bytes' ? 1_048_576 : 1
  const target = (most > 0 ? most : base) / base / 4
  const power = 10 ** Math.floor(Math.log10(target))
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= target) ?? 10) * power * base
  const count = Math.max(1, Math.ceil((most > 0 ? most : base) / step - 1e-9))
  return Array.from({ length: count + 1 }, (_, at) => at * step)
}
