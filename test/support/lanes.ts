// How is much work done by a few at a time? In lanes: each takes the next piece when it is done with one.

/** Does the work of all pieces, `count` at a time; rejects with the first that does. */
export async function inLanes<T>(
  count: number,
  all: Iterable<T>,
  work: (each: T) => Promise<void>,
): Promise<void> {
  const rest = all[Symbol.iterator]()
  const lane = async () => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: count }, lane))
}
