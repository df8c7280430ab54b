// What does a route's word cost? Hosts of one process that differ in their annotations, loaded by turns, each against the plain
// one of the same round: what the machine does besides hits both.
import { findStores, type StoreServer, startStore } from '../test/valkey/server.ts'
import { weir } from './peers/weir.ts'
import { median, type Sample, type Table, toRows } from './rows.ts'
import { sampleLane } from './sample.ts'
import type { Bench } from './special.ts'

interface Variant {
  readonly name: string
  /** Keys without `weir.dev/`. */
  readonly keys: Readonly<Record<string, string>>
  readonly needsStore?: boolean
}

const variants: readonly Variant[] = [
  { name: 'plain', keys: {} },
  { name: 'a header condition', keys: { 'match-header': '!X-Bench: yes' } },
  {
    name: '8 filters that pass',
    keys: {
      'cors-origins': 'https://a.test',
      'allow-source-ranges': '127.0.0.0/8',
      'rewrite-prefix': '/',
      concurrency: '10000',
      'request-headers-set': 'X-One: 1',
      'response-headers-set': 'X-Two: 2',
      'error-pages': '500-599',
      'error-pages-from': 'up:80',
      compress: 'gzip',
    },
  },
  { name: 'a rate limit of the node', keys: { 'rate-limit': '10000000/s' } },
  {
    name: 'a rate limit in the store',
    keys: { 'rate-limit': '10000000/s', 'rate-limit-scope': 'cluster' },
    needsStore: true,
  },
  { name: 'a mirror of all', keys: { 'mirror-to': 'up:80' } },
]

/** Filters and conditions against a plain route of the same process. */
export async function filters({ seconds, rounds, smallPort }: Bench): Promise<Table> {
  const [program] = findStores()
  const store: StoreServer | undefined =
    program === undefined ? undefined : await startStore(program)
  const played = variants.filter(({ needsStore }) => store !== undefined || needsStore !== true)
  const annotations = played.map(({ keys }) =>
    Object.fromEntries(Object.entries(keys).map(([key, value]) => [`weir.dev/${key}`, value])),
  )
  const lane = await weir('weir', 'off').start({
    upstreamPort: smallPort,
    routes: played.length,
    annotations,
    flags: store === undefined ? [] : ['--valkey', store.url],
  })
  const samples = new Map<string, Sample[]>(played.map(({ name }) => [name, []]))
  try {
    for (let round = -1; round < rounds; round++) {
      for (let turn = 0; turn < played.length; turn++) {
        // Each round begins with another one: what comes first, or behind the mirror, is no advantage.
        const index = (round + 1 + turn) % played.length
        const name = played[index]?.name ?? ''
        const load = { host: `h${index}.bench.test`, path: '/', connections: 64, seconds }
        const sample = await sampleLane(lane, load)
        // The first round is for the compiler.
        if (round >= 0) samples.get(name)?.push(sample)
      }
    }
  } finally {
    await lane.stop()
    await store?.stop()
  }
  const plain = samples.get('plain') ?? []
  const pairs = played.slice(1).map(({ name }) => {
    const list = samples.get(name) ?? []
    const ratio = (of: keyof Sample) =>
      median(list.map((sample, round) => sample[of] / (plain[round]?.[of] ?? Number.NaN))).toFixed(
        2,
      )
    return `${name}: CPU ${ratio('cpuUs')}, p99 ${ratio('p99Ms')} of plain (median of pairs)`
  })
  return {
    scenario: 'filters',
    title: 'small GET, 64 keep-alive connections, routes of one process by turns',
    rows: toRows(samples, 'plain'),
    notes: [...pairs, program === undefined ? 'left out: no Valkey or Redis' : program.version],
  }
}
