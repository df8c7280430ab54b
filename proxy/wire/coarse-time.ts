// What time is it, for deadlines? Read for free, right to a tick.

/** The coarse time of a worker: monotonic ms, moved on by its tick. */
export interface CoarseTime {
  now: number
}
