// Does Weir answer as ingress-nginx did? Every case of test/cases/nginx-annotations.json against the real program, over
// sockets. `npm run test:annotations [AREA|ID…]`. The last line is `N passed, N failed, N skipped`.
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
import { takeAddresses } from './addresses.ts'
import { type AnnotationCase, readCases } from './case.ts'
import { Certificates } from './certificates.ts'
import { lackOf } from './flags.ts'
import { groupsOf } from './groups.ts'
import { startStage } from './stage.ts'
import { playCase } from './steps.ts'

// Cases wait more than they work.
const lanes = Math.max(3, availableParallelism())
const casesAtATime = 12

type Result = ResultOf<AnnotationCase>

const known: Known = JSON.parse(readFileSync(new URL('known.json', import.meta.url), 'utf8'))

async function playGroup(group: readonly AnnotationCase[]): Promise<readonly Result[]> {
  const results: Result[] = []
  const playable = group.filter((each) => {
    const lack = lackOf(each)
    if (lack !== undefined) results.push({ case: each, wrong: lack })
    return lack === undefined
  })
  if (playable.length === 0) return results
  try {
    const stage = await startStage(playable, certificates)
    try {
      await inLanes(casesAtATime, stage.cases, async (staged) => {
        const wrong = await playCase(staged, stage.proxy).catch(
          (error) => `player: ${error?.stack}`,
        )
        results.push({ case: staged.case, wrong })
      })
    } finally {
      await stage.close()
    }
  } catch (error) {
    results.push(...playable.map((each) => ({ case: each, wrong: `no stage: ${error}` })))
  }
  return results
}

/** What a case says about time, such as how much of a limit is used up, can go wrong on a machine that others keep busy. */
function isTimed({ steps }: AnnotationCase): boolean {
  return steps.some(
    ({ expect = {}, waitMs, exitWithinMs }) =>
      (waitMs ?? exitWithinMs ?? expect.statuses ?? expect.withinMs) !== undefined,
  )
}

const wanted = process.argv.slice(2)
const addresses = await takeAddresses()
const { cases, skipped } = readCases(addresses.moved)
const chosen = chosenOf(cases, wanted)
const certificates = new Certificates()
const results: Result[] = []
try {
  await inLanes(lanes, groupsOf(chosen), async (group) => {
    results.push(...(await playGroup(group)))
  })
  for (const [at, result] of results.entries()) {
    if (isPassed(result, known) || !isTimed(result.case)) continue
    const [again] = await playGroup([result.case])
    console.log(`${result.case.id} again, with the machine to itself: ${result.wrong}`)
    if (again !== undefined) results[at] = again
  }
} finally {
  certificates.close()
  addresses.release()
}
const strangers = strangersOf(known, cases)
const isWell = printReport(results, known, {
  strangers,
  skipped: wanted.length === 0 ? skipped : 0,
})
process.exitCode = isWell ? 0 : 1
