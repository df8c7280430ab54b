// What does a run of recorded cases say? Per area how many cases are met, known not to be, or failed; every failure with what was
// wrong.

/** What a report needs of a case. */
export interface ReportedCase {
  readonly id: string
  readonly area: string
  readonly why: string
}

/** How one case went. */
export interface Result<C extends ReportedCase = ReportedCase> {
  readonly case: C
  /** Undefined: met. */
  readonly wrong: string | undefined
}

/** Ids of cases that are not met, with the reason. */
export type Known = Readonly<Record<string, string>>

/** Those cases that the arguments of a run name by area or id; all without arguments. Throws at a name that is neither. */
export function chosenOf<C extends ReportedCase>(
  cases: readonly C[],
  wanted: readonly string[],
): readonly C[] {
  const isNamed = (name: string) => cases.some(({ id, area }) => id === name || area === name)
  const unknown = wanted.find((name) => !isNamed(name))
  if (unknown !== undefined) throw new Error(`${unknown} is neither an area nor a case`)
  if (wanted.length === 0) return cases
  return cases.filter(({ id, area }) => wanted.includes(id) || wanted.includes(area))
}

/** Met, or not met as known.json says. */
export function isPassed({ case: { id }, wrong }: Result, known: Known): boolean {
  return (wrong === undefined) === (known[id] === undefined)
}

/** Prints the report; the last line is what `.ci/run` counts. Gives whether the run went well. */
export function printReport(
  results: readonly Result[],
  known: Known,
  { strangers, skipped }: { readonly strangers: readonly string[]; readonly skipped: number },
): boolean {
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
  return failed + strangers.length === 0
}

/** Entries of known.json that name no case. */
export function strangersOf(known: Known, cases: readonly ReportedCase[]): readonly string[] {
  return Object.keys(known).filter((id) => cases.every((each) => each.id !== id))
}
