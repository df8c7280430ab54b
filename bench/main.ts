// npm run bench: Weir beside its peers on one machine. Short alternating rounds, medians, CPU per request from /proc.
// Flags: --scenarios a,b --peers x,y --seconds N --rounds N. Results: bench/results/bench.json and bench.md; a run of
// some scenarios replaces their tables and keeps the others.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  findProgram,
  freePort,
  makeFolder,
  type Spawned,
  spawnProgram,
  waitForPort,
} from '../test/support/programs.ts'
import { filters } from './filters.ts'
import { loadTool, runLoad } from './load.ts'
import { bareLane } from './peers/bare-lane.ts'
import { caddy } from './peers/caddy.ts'
import { envoy } from './peers/envoy.ts'
import { haproxy } from './peers/haproxy.ts'
import { httpProxy3 } from './peers/http-proxy-3.ts'
import { nginx } from './peers/nginx.ts'
import type { Lane, Peer } from './peers/peer.ts'
import { skipper } from './peers/skipper.ts'
import { traefik } from './peers/traefik.ts'
import { weir } from './peers/weir.ts'
import { onCore, placement } from './pin.ts'
import { type Sample, type Table, toMarkdown, toRows } from './rows.ts'
import { sampleLane } from './sample.ts'
import { type Scenario, scenarios, specialScenarios } from './scenarios.ts'
import { secure, secureScenarios } from './secure.ts'
import { churn, start, table, websockets, workers } from './special.ts'

const allPeers: readonly Peer[] = [
  ...[weir('weir', 'off'), weir('weir, json log', 'json')],
  ...[nginx, haproxy, bareLane, httpProxy3, envoy, caddy, skipper, traefik],
]

const { values } = parseArgs({
  options: {
    scenarios: { type: 'string' },
    peers: { type: 'string' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
  },
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const chosen = (list: string | undefined, name: string) =>
  list === undefined || list.split(',').includes(name)

interface Upstreams {
  /** Small answers: nginx where installed, as the cheaper one. */
  readonly cheap: number
  /** Sends and reads bodies, opens tunnels. */
  readonly raw: readonly number[]
  stop(): Promise<void>
}

async function startUpstreams(): Promise<Upstreams> {
  const raw = [await freePort(), await freePort()]
  const program = fileURLToPath(new URL('upstream.ts', import.meta.url))
  const [name = '', ...args] = onCore('load', [process.execPath, program, ...raw.map(String)])
  const started: Spawned[] = [spawnProgram(name, args, makeFolder('upstream', {}))]
  await waitForPort(raw[1] ?? 0, started[0] ?? failed())
  const cheap = findProgram('nginx') === undefined ? undefined : await freePort()
  if (cheap !== undefined) {
    const folder = makeFolder('upstream', { 'nginx.conf': upstreamConfig(cheap) })
    const command = ['nginx', '-p', folder, '-c', `${folder}/nginx.conf`]
    const [nginxName = '', ...nginxArgs] = onCore('load', command)
    const spawned = spawnProgram(nginxName, nginxArgs, folder)
    started.push(spawned)
    await waitForPort(cheap, spawned)
  }
  return {
    cheap: cheap ?? raw[0] ?? 0,
    raw,
    stop: async () => {
      await Promise.all(started.map((spawned) => spawned.stop()))
    },
  }
}

function failed(): never {
  throw new Error('the upstream did not start')
}

const upstreamConfig = (
  port: number,
) => `daemon off; master_process off; pid p; error_log stderr crit;
events { worker_connections 20000; }
http {
  access_log off; keepalive_requests 10000000; client_body_temp_path b; proxy_temp_path x; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { default_type text/plain; return 200 "${'x'.repeat(130)}"; }
  }
}
`

function measure(lane: Lane, { load, bodyBytes }: Scenario): Promise<Sample> {
  // A hundred mebibytes take their time: short runs would count too few of them.
  const time = bodyBytes > 10_000_000 ? Math.max(seconds, 5) : seconds
  return sampleLane(lane, { ...load, bodyBytes, host: 'h0.bench.test', seconds: time })
}

async function startLanes(peers: readonly Peer[], scenario: Scenario, upstreamPort: number) {
  const notes: string[] = []
  const lanes: { readonly peer: Peer; readonly lane: Lane }[] = []
  for (const peer of peers) {
    if (scenario.routes > 1 && !peer.hasRoutes) continue
    try {
      const lane = await peer.start({ upstreamPort, routes: scenario.routes })
      lanes.push({ peer, lane })
    } catch (error) {
      notes.push(`${peer.name} did not start: ${String(error).slice(0, 300)}`)
    }
  }
  return { lanes, notes }
}

async function runScenario(
  scenario: Scenario,
  peers: readonly Peer[],
  upstreams: Upstreams,
): Promise<Table> {
  const usesRaw = scenario.bodyBytes > 0
  const upstreamPort = usesRaw ? (upstreams.raw[0] ?? 0) : upstreams.cheap
  const { lanes, notes } = await startLanes(peers, scenario, upstreamPort)
  const samples = new Map<string, Sample[]>()
  try {
    // A short run first, so that nobody is measured cold; then rounds by turns, so that noise hits all alike.
    for (const { lane } of lanes) {
      await runLoad({ ...scenario.load, port: lane.port, host: 'h0.bench.test', seconds: 1 })
    }
    for (let round = 0; round < rounds; round++) {
      for (const { peer, lane } of lanes) {
        const sample = await measure(lane, scenario)
        samples.set(peer.name, [...(samples.get(peer.name) ?? []), sample])
      }
    }
  } finally {
    for (const { lane } of lanes) await lane.stop()
  }
  const { name, title } = scenario
  return { scenario: name, title, rows: toRows(samples, bareLane.name), notes }
}

/** Reads the tables of earlier runs; none when there is no readable file. */
function readTables(file: URL): readonly Table[] {
  if (!existsSync(file)) return []
  const parsed: { readonly tables?: readonly Table[] } = JSON.parse(readFileSync(file, 'utf8'))
  return parsed.tables ?? []
}

function mergeTables(old: readonly Table[], fresh: readonly Table[]): readonly Table[] {
  const names = new Set(fresh.map(({ scenario }) => scenario))
  return [...old.filter(({ scenario }) => !names.has(scenario)), ...fresh].toSorted(
    (a, b) => order.indexOf(a.scenario) - order.indexOf(b.scenario),
  )
}

const missing = allPeers.flatMap((peer) => {
  const why = peer.missing()
  return why === undefined ? [] : [`${peer.name}: ${why}`]
})
const peers = allPeers.filter(
  (peer) => peer.missing() === undefined && chosen(values.peers, peer.name),
)
const facts = [
  `Node ${process.version}, ${availableParallelism()} CPUs (${cpus()[0]?.model ?? 'unknown'}), Linux ${release()}`,
  `load: ${loadTool()}; ${placement()}; medians of alternating rounds`,
  `left out: ${missing.length === 0 ? 'none' : missing.join('; ')}`,
  'cost ÷ reference: CPU per request (or per byte) against nginx, without it against node:http+undici; above 1 is dearer',
]
for (const fact of facts) console.log(fact)

const upstreams = await startUpstreams()
const tables: Table[] = []
const order = [...scenarios.map(({ name }) => name), ...secureScenarios, ...specialScenarios]
const show = (measured: Table) => {
  const rounds = `${values.rounds} rounds of ${values.seconds} s`
  const table = { ...measured, notes: [...measured.notes, rounds] }
  tables.push(table)
  console.log(`\n${toMarkdown(table)}`)
}
try {
  for (const scenario of scenarios) {
    if (chosen(values.scenarios, scenario.name)) show(await runScenario(scenario, peers, upstreams))
  }
  for (const name of secureScenarios) {
    if (!chosen(values.scenarios, name)) continue
    const upstreamPorts = upstreams.raw
    show(await secure(name, { peers, seconds, rounds, upstreamPorts, smallPort: upstreams.cheap }))
  }
  const special = { filters, table, websockets, churn, start, workers }
  for (const name of specialScenarios) {
    if (!chosen(values.scenarios, name)) continue
    show(
      await special[name]({
        peers,
        seconds,
        rounds,
        upstreamPorts: upstreams.raw,
        smallPort: upstreams.cheap,
      }),
    )
  }
} finally {
  await upstreams.stop()
}
const folder = new URL('results/', import.meta.url)
mkdirSync(folder, { recursive: true })
const file = new URL('bench.json', folder)
const all = mergeTables(readTables(file), tables)
const report = ['# Bench', '', ...facts.map((fact) => `- ${fact}`), '', ...all.map(toMarkdown)]
writeFileSync(new URL('bench.md', folder), `${report.join('\n')}\n`)
writeFileSync(file, `${JSON.stringify({ facts, tables: all }, null, 2)}\n`)
console.log('written: bench/results/bench.md, bench/results/bench.json')
