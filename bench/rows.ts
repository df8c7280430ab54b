// What is one row of a result, and how are rows made into medians, ratios and Markdown? Pure.

/** One measured round of one peer. Absent numbers do not apply. */
export interface Sample {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly failures: number
  /** CPU of the proxy process per request, µs. */
  readonly cpuUs: number
  /** Body MiB per CPU second of the proxy; 0 where requests are counted. */
  readonly mibPerCpuSecond: number
  readonly residentMib: number
}

/** Medians of one peer in one scenario. */
export interface Row extends Sample {
  readonly peer: string
  readonly rounds: number
  /** Cost against the reference: above 1 is dearer. */
  readonly ratio: number
}

/** One scenario's table. */
export interface Table {
  readonly scenario: string
  readonly title: string
  readonly rows: readonly Row[]
  readonly notes: readonly string[]
}

/** Gives the middle value; of an even number the lower of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
}

const numbers = [
  ...(['perSecond', 'p50Ms', 'p99Ms', 'p999Ms', 'failures', 'cpuUs'] as const),
  ...(['mibPerCpuSecond', 'residentMib'] as const),
] as const

function medians(samples: readonly Sample[]): Sample {
  const middle = Object.fromEntries(
    numbers.map((name) => [name, median(samples.map((sample) => sample[name]))]),
  )
  const [perSecond, p50Ms, p99Ms, p999Ms, failures, cpuUs, mibPerCpuSecond, residentMib] =
    numbers.map((name) => middle[name] ?? 0)
  return {
    perSecond: perSecond ?? 0,
    p50Ms: p50Ms ?? 0,
    p99Ms: p99Ms ?? 0,
    p999Ms: p999Ms ?? 0,
    // One failed request is a failure, however the other rounds went.
    failures: Math.max(failures ?? 0, ...samples.map((sample) => sample.failures)),
    cpuUs: cpuUs ?? 0,
    mibPerCpuSecond: mibPerCpuSecond ?? 0,
    residentMib: residentMib ?? 0,
  }
}

/** Makes rows: medians over rounds, ratios to `first` or else to the peer given as a fallback. */
export function toRows(
  samples: ReadonlyMap<string, readonly Sample[]>,
  fallback: string,
  first = 'nginx',
): Row[] {
  const rows = [...samples].map(([peer, list]) => ({
    peer,
    rounds: list.length,
    ...medians(list),
  }))
  const reference =
    rows.find(({ peer }) => peer === first) ?? rows.find(({ peer }) => peer === fallback)
  const ratio = (row: Sample) => {
    if (reference === undefined) return 0
    if (row.mibPerCpuSecond > 0) return reference.mibPerCpuSecond / row.mibPerCpuSecond
    return reference.cpuUs === 0 ? 0 : row.cpuUs / reference.cpuUs
  }
  return rows.map((row) => ({ ...row, ratio: ratio(row) }))
}

const fixed = (value: number, digits: number) => (value === 0 ? '–' : value.toFixed(digits))

/** Writes one table as Markdown. */
export function toMarkdown(table: Table): string {
  const head = ['peer', 'per s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'CPU µs/request', 'MiB/CPU s']
  const columns = [...head, 'RSS MiB', 'failed', 'cost ÷ reference']
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const cells = (row: Row) => [
    row.peer,
    fixed(row.perSecond, 0),
    fixed(row.p50Ms, 2),
    fixed(row.p99Ms, 2),
    fixed(row.p999Ms, 2),
    fixed(row.cpuUs, 1),
    fixed(row.mibPerCpuSecond, 0),
    fixed(row.residentMib, 0),
    String(row.failures),
    fixed(row.ratio, 2),
  ]
  return [
    `## ${table.scenario}: ${table.title}`,
    '',
    line(columns),
    line(columns.map(() => '---')),
    ...table.rows.map((row) => line(cells(row))),
    ...table.notes.map((note) => `\n${note}`),
    '',
  ].join('\n')
}
