// How does a test of a property fail so that it can be repeated? Its seed is printed, whatever becomes of it: a run that hangs
// or is killed says it, too. `SEED=N` before the command plays the same again.
import fc from 'fast-check'

/** Checks a property of fast-check with a seed that is said in a comment of the test's output. */
export function assertProperty<Ts>(
  t: { comment(text: string): void },
  property: fc.IProperty<Ts>,
  parameters: Omit<fc.Parameters<Ts>, 'seed'> = {},
): void {
  const given = process.env.SEED
  const seed = given === undefined ? Math.floor(Math.random() * 0x7fffffff) : Number(given)
  t.comment(`seed ${seed}`)
  fc.assert(property, { ...parameters, seed })
}
