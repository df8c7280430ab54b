// Do two nodes share a limit through a real store, and what does a store cost that is killed, stalled or started anew?
// `npm run test:valkey`. Runs with each store that is found, Valkey and Redis; without any, all is skipped, in CI it is an error.
import { setTimeout as pause } from 'node:timers/promises'
import { ask, metric } from '../support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts'
import { startScripted } from '../support/upstream.ts'
import { findStores, type StoreProgram, type StoreServer, startStore } from './server.ts'

const checks = [
  'two proxies share one budget, exactly',
  'budgets are the clients’ own, and their names say nothing about them',
  'a budget refills, and leaves the store when it is full',
  'a store that forgot its scripts gets them again',
  'a store that is killed: open counts on each node, closed answers 503, and nobody waits',
  'a store that comes back is used again',
  'a store that stalls costs no request more than 50 ms, and soon nothing',
  'a store that goes on is used again',
  'a password is used, a wrong one is said and not shown',
] as const

// The machine may be busy: what is measured is the proxy's promise of 50 ms and the way there and back.
const marginMs = 60
let passed = 0
let failed = 0

function check(name: (typeof checks)[number], isTrue: boolean, seen: unknown): void {
  console.log(`${isTrue ? 'ok' : 'not ok'} ${name}`)
  if (isTrue) passed += 1
  else {
    failed += 1
    console.log(JSON.stringify(seen, undefined, 2))
  }
}

const hosts = [
  'shared',
  'clients',
  'refill',
  'scripts',
  'open',
  'closed',
  'stall',
  'again',
] as const
type Host = (typeof hosts)[number]

/** Limits of the whole cluster, one host each. */
function limits(): Parameters<typeof createManifestFolder>[0] {
  const rate: Partial<Record<Host, string>> = { refill: '1/s', stall: '1000/s', again: '1000/s' }
  const by: Partial<Record<Host, string>> = { clients: 'header:X-Token' }
  return hosts.map((name) =>
    ingressOf(name, [{ host: `${name}.test`, service: 'web' }], {
      'weir.dev/rate-limit': rate[name] ?? '10/h',
      'weir.dev/rate-limit-by': by[name] ?? 'route',
      'weir.dev/rate-limit-scope': 'cluster',
      'weir.dev/rate-limit-on-failure': name === 'open' ? 'open' : 'closed',
    }),
  )
}

interface Stage {
  readonly store: StoreServer
  readonly proxies: readonly ProxyProcess[]
  readonly folder: string
}

async function status(proxy: ProxyProcess, host: Host, ...fields: string[]): Promise<number> {
  return (await ask(proxy.port, { host: `${host}.test`, fields })).status
}

/** `count` requests to all proxies in turn, one after the other. */
async function statuses({ proxies }: Stage, host: Host, count: number): Promise<number[]> {
  const seen: number[] = []
  for (let at = 0; at < count; at += 1) {
    for (const proxy of proxies) seen.push(await status(proxy, host))
  }
  return seen
}

const countOf = (list: readonly number[], one: number) => list.filter((it) => it === one).length

async function eventually(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`)
    await pause(50)
  }
}

/** All workers of all proxies have the store, as their own log says. */
function whenUp({ proxies }: Stage): Promise<void> {
  return eventually('all have the store', async () =>
    proxies.every(({ logs }) => {
      const told = logs.filter(({ msg }) => String(msg).startsWith('the store'))
      const byWorker = [...Map.groupBy(told, ({ worker }) => worker).values()]
      return byWorker.every((lines) => lines.at(-1)?.msg === 'the store answers')
    }),
  )
}

/**
 * What is asked for the first time is compiled, here and in the store, and takes more than the 50 ms that a request may wait.
 * Budgets of this host are full again, and gone from the store, in a moment.
 */
async function warmUp(stage: Stage): Promise<void> {
  await eventually('twenty requests in a row have the store', async () =>
    (await statuses(stage, 'stall', 10)).every((status) => status === 200),
  )
  await whenUp(stage)
}

async function checkSharing(stage: Stage): Promise<void> {
  const { proxies, store } = stage
  const both = await Promise.all(
    Array.from({ length: 40 }, (_, at) => {
      const proxy = proxies[at % proxies.length]
      return proxy === undefined ? 0 : status(proxy, 'shared')
    }),
  )
  check(checks[0], countOf(both, 200) === 10 && countOf(both, 429) === 30, both)

  const own = []
  for (const token of ['secret-a', 'secret-b']) {
    for (const proxy of proxies) own.push(await status(proxy, 'clients', `X-Token: ${token}`))
  }
  const names = await store.client.keys('*')
  const isSilent = names.every((name) => /^weir:rate:[\w-]{43}$/.test(name))
  check(checks[1], countOf(own, 200) === 4 && names.length === 3 && isSilent, { own, names })

  const before = await statuses(stage, 'refill', 2)
  await pause(1500)
  const after = await statuses(stage, 'refill', 1)
  await eventually('it leaves', async () => (await store.client.keys('*')).length === 3)
  check(checks[2], before[0] === 200 && countOf(before, 429) === 3 && after[0] === 200, {
    before,
    after,
  })

  await store.client.script('FLUSH')
  const flushed = await statuses(stage, 'scripts', 10)
  check(checks[3], countOf(flushed, 200) === 10 && countOf(flushed, 429) === 10, flushed)
}

async function checkKilled(stage: Stage): Promise<void> {
  const { store } = stage
  await store.kill()
  await eventually('the loss is noticed', async () =>
    stage.proxies.every(({ logs }) => logs.some(({ msg }) => msg === 'the store does not answer')),
  )
  const start = performance.now()
  const closed = await statuses(stage, 'closed', 10)
  const open = await statuses(stage, 'open', 15)
  const ms = (performance.now() - start) / (closed.length + open.length)
  check(
    checks[4],
    // Ten for each of the two nodes.
    countOf(closed, 503) === 20 &&
      countOf(open, 200) === 20 &&
      countOf(open, 429) === 10 &&
      ms < 40,
    { closed, open, ms },
  )
  await store.restart()
  await whenUp(stage)
  const again = await statuses(stage, 'closed', 10)
  check(checks[5], countOf(again, 200) === 10 && countOf(again, 429) === 10, again)
}

async function checkStalled(stage: Stage): Promise<void> {
  const { store, proxies } = stage
  await statuses(stage, 'stall', 1)
  store.stall()
  const times: number[] = []
  const seen: number[] = []
  const timed = async (proxy: ProxyProcess) => {
    const start = performance.now()
    seen.push(await status(proxy, 'stall'))
    times.push(performance.now() - start)
  }
  // One after the other, so that each has the machine for itself.
  for (let at = 0; at < 40; at += 1) for (const proxy of proxies) await timed(proxy)
  const slow = times.filter((ms) => ms > 35)
  const skipped = await Promise.all(
    proxies.map(({ adminPort }) =>
      metric(adminPort, 'weir_store_calls_total', { result: 'skipped' }),
    ),
  )
  console.log(
    `# stalled: slowest ${Math.max(...times).toFixed(1)} ms, ${slow.length} of ${times.length} waited, skipped ${skipped}`,
  )
  check(
    checks[6],
    Math.max(...times) < 50 + marginMs && slow.length <= 20 && countOf(seen, 503) === seen.length,
    { times, seen, skipped },
  )
  store.resume()
  await whenUp(stage)
  let again: number[] = []
  // The first answers may come while the store is still left alone.
  await eventually('it is used', async () => {
    again = await statuses(stage, 'again', 1)
    return countOf(again, 200) === again.length
  })
  check(checks[7], true, again)
}

async function checkPassword(program: StoreProgram, folder: string): Promise<void> {
  const store = await startStore(program, ['--requirepass', 'right-word'])
  const flags = ['--manifests', folder, '--valkey', store.url]
  const [right, wrong] = await Promise.all(
    ['right-word', 'wrong-word'].map((word) =>
      startProxyProcess({ flags, env: { WEIR_VALKEY_PASSWORD: word } }),
    ),
  )
  if (right === undefined || wrong === undefined) return
  try {
    await eventually('the right one is let in', async () => (await status(right, 'closed')) === 200)
    await eventually('the wrong one is told', async () => wrong.stderr.includes('WRONGPASS'))
    const refused = await status(wrong, 'closed')
    const isShown = wrong.stderr.includes('wrong-word')
    check(checks[8], refused === 503 && !isShown, { refused, stderr: wrong.stderr })
  } finally {
    await Promise.all([right.stop(), wrong.stop(), store.stop()])
  }
}

async function runWith(program: StoreProgram): Promise<void> {
  console.log(`# ${program.version}`)
  const upstream = await startScripted()
  const manifests = createManifestFolder([...(limits() ?? []), ...serviceOf('web', [upstream])])
  const store = await startStore(program)
  const flags = ['--manifests', manifests.path, '--valkey', store.url]
  const proxies = await Promise.all([
    startProxyProcess({ flags }),
    startProxyProcess({ flags: [...flags, '--workers', '2'] }),
  ])
  const stage: Stage = { store, proxies, folder: manifests.path }
  try {
    await store.client.connect()
    await whenUp(stage)
    await warmUp(stage)
    await checkSharing(stage)
    await checkKilled(stage)
    await checkStalled(stage)
    await checkPassword(program, manifests.path)
  } catch (error) {
    failed += 1
    console.log(error)
    for (const { stderr } of proxies) console.log(stderr.slice(-3000))
  } finally {
    await Promise.all([...proxies.map((proxy) => proxy.stop()), store.stop(), upstream.close()])
    manifests.dispose()
  }
}

const programs = findStores()
for (const program of programs) await runWith(program)
if (programs.length === 0) console.log('skipped: no valkey-server (test/valkey/install.sh)')
if (programs.length === 0 && process.env.CI !== undefined) failed += 1
console.log(
  `${passed} passed, ${failed} failed, ${programs.length === 0 && failed === 0 ? checks.length : 0} skipped`,
)
process.exitCode = failed === 0 ? 0 : 1
