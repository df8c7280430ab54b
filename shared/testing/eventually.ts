// Waits for the state of the world instead of guessing how long something takes.

/**
 * Resolves as soon as `isTrue` says so, asked every few ms; rejects after `timeoutMs` naming `what`. `meanwhile` runs at
 * each try: a test with a manual clock moves it there.
 */
export async function eventually(
  what: string,
  isTrue: () => boolean,
  meanwhile: () => void = () => undefined,
  timeoutMs = 30_000,
): Promise<void> {
  const giveUpAtMs = performance.now() + timeoutMs
  while (!isTrue()) {
    if (performance.now() > giveUpAtMs) throw new Error(`never happened: ${what}`)
    meanwhile()
    await new Promise((resolve) => setTimeout(resolve, 4))
  }
}
