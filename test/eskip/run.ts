// Does Weir answer as Skipper did? Every case of test/cases/eskip.json against the real program, over sockets.
// `npm run test:eskip [AREA|ID…]`. The last line is `N passed, N failed, N skipped`.
//
// known.json says which cases are not met, and why. A case that fails without being in it fails the run, and so does one in it
// that is met: the list stays true.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import {
  chosenOf,
  isPassed,
  type Known,
  printReport,
  type Result as ResultOf,
  strangersOf,
} from '../support/case-report.ts'
import { inLanes } from '../support/lanes.ts'
import { takeNetworks } from '../support/networks.ts'
import { findStores, type StoreServer, startStore } from '../valkey/server.ts'
import { type EskipCase, movedCase, readCases } from './case.ts'
import { lackOf, optionsOf } from './flags.ts'
import { Stage } from './stage.ts'
import { playCase } from './steps.ts'

type Result = ResultOf<EskipCase>

/** Networks that all runs at a time have among them. */
const allNetworks = 44
// Cases wait more than they work; another run has room beside this one.
const lanes = Math.min(allNetworks / 2, Math.max(4, availableParallelism()))
/** Most cases for one proxy, so that all lanes have some. */
const most = 40

const known: Known = JSON.parse(readFileSync(new URL('known.json', import.meta.url), 'utf8'))

/** What a limit has counted outlives its route. */
const countingAreas: readonly string[] = ['ratelimit', 'ratelimit-cluster']

/** Cases that share a proxy: those with the same options, unless the one would count for the other. */
function groupsOf(cases: readonly EskipCase[]): readonly (readonly EskipCase[])[] {
  const byOptions = Map.groupBy(cases, ({ id, area, flags, trustedProxies, needs }) =>
    JSON.stringify(countingAreas.includes(area) ? id : [flags, trustedProxies, needs]),
  )
  return [...byOptions.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / most) }, (_, part) =>
      group.slice(part * most, (part + 1) * most),
    ),
  )
}

/** Plays cases one after the other on one proxy. */
async function playGroup(group: readonly EskipCase[], network: number): Promise<readonly Result[]> {
  const [one] = group
  if (one === undefined) return []
  const all = (wrong: string) => group.map((each) => ({ case: each, wrong }))
  const lack = lackOf(one)
  if (lack !== undefined) return all(lack)
  const needsStore = one.needs?.includes('valkey') === true
  const [program] = needsStore ? findStores() : []
  if (needsStore && program === undefined) {
    return all('there is no valkey-server (test/valkey/install.sh)')
  }
  let store: StoreServer | undefined
  let stage: Stage | undefined
  try {
    store = program === undefined ? undefined : await startStore(program)
    const moved = group.map((each) => movedCase(each, network, ''))
    const options = optionsOf(moved, { store: store?.url ?? '' })
    stage = await Stage.start(options, network, store)
    const results: Result[] = []
    for (const each of group) results.push({ case: each, wrong: await playOn(stage, each) })
    return results
  } catch (error) {
    return all(`no stage: ${error}`)
  } finally {
    await stage?.close()
    await store?.stop()
  }
}

function playOn(stage: Stage, played: EskipCase): Promise<string | undefined> {
  return stage.with(played, playCase).catch((error) => `player: ${error?.stack}`)
}

/** What a case says about time can go wrong on a machine that others keep busy, and so can waiting for the keys of tokens. */
function isTimed({ area, steps, backends }: EskipCase): boolean {
  return (
    area === 'auth' ||
    backends.some(({ answers }) => answers.some(({ delayMs }) => delayMs !== undefined)) ||
    // Whose keys are fetched when a route first names them.
    backends.some(({ name }) => name === 'issuer') ||
    steps.some(
      ({ everyMs, pauseMs, settleMs, staggerMs, expect }) =>
        (everyMs ?? pauseMs ?? settleMs ?? staggerMs ?? expect.elapsedMs) !== undefined,
    )
  )
}

const cases = readCases()
const chosen = chosenOf(cases, process.argv.slice(2))
const networks = await takeNetworks(20, lanes, Math.floor(allNetworks / lanes))
const free = Array.from({ length: lanes }, (_, lane) => networks.first + lane)
const results: Result[] = []
try {
  await inLanes(lanes, groupsOf(chosen), async (group) => {
    const network = free.pop() ?? networks.first
    results.push(...(await playGroup(group, network)))
    free.push(network)
  })
  for (const [at, result] of results.entries()) {
    if (isPassed(result, known) || !isTimed(result.case)) continue
    const [again] = await playGroup([result.case], networks.first)
    console.log(`${result.case.id} again, with the machine to itself: ${result.wrong}`)
    if (again !== undefined) results[at] = again
  }
} finally {
  networks.release()
}
const isWell = printReport(results, known, { strangers: strangersOf(known, cases), skipped: 0 })
process.exitCode = isWell ? 0 : 1
