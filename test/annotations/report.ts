// What does a run say? Per area how many cases are met, known not to be, or failed; every failure with what was wrong.
import type { AnnotationCase } from './case.ts'

/** How one case went. */
export interface Result {
  readonly case: AnnotationCase
  /** Undefined: met. */
  readonly wrong: string | undefined
}

type Known = Readonly<Record<string, string>>

/** Met, or not met as known.json says. */
export function isPassed({ case: { id }, wrong }: Result, known: Known): boolean {
  return (wrong === undefined) === (known[id] === undefined)
}

/** Prints the report; the last line is what `.ci/run` counts. */
export function printReport(
  results: readonly Result[],
  known: Known,
  { strangers, skipped }: { readonly strangers: readonly string[]; readonly skipped: number },
): void {
  const areas = [...Map.groupBy(results, (each) => each.case.area)]
  for (const [area, all] of areas.sort(([one], [other]) => one.localeCompare(other))) {
    const failed = all.filter((each) => !isPassed(each, known))
    const met = all.filter(({ wrong }) => wrong === undefined)
    const notMet =
      all.length - met.length - failed.filter(({ wrong }) => wrong !== undefined).length
    console.log(`${area}: ${met.length} met, ${notMet} known, ${failed.length} failed`)
    for (const { case: played, wrong } of failed) {
      console.log(`  not ok ${played.id}: ${played.why}`)
      console.log(`    ${wrong ?? 'is met: take it out of known.json'}`)
    }
  }
  for (const id of strangers) console.log(`not ok known.json names ${id}, which is no case`)
  const met = results.filter(({ wrong }) => wrong === undefined).length
  console.log(`met: ${met} of ${results.length}`)
  // A case that is known not to be met is no check that passed: it counts as skipped.
  const failed = results.filter((each) => !isPassed(each, known)).length
  const passed = results.filter((each) => each.wrong === undefined && isPassed(each, known)).length
  const knownCount = results.length - failed - passed
  console.log(
    `${passed} passed, ${failed + strangers.length} failed, ${knownCount + skipped} skipped`,
  )
}
