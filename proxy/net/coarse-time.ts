// What time is it, for deadlines? Read for free, right to a tick.

/** The coarse time of a worker: monotonic ms, moved on by its tick. */
export interface CoarseTime {
  now: number
}

/**
 * ms between two ticks: deadlines are walked this often, by one timer instead of one for each. `now` may be this much
 * behind, so a short limit is set one tick later, or what takes 2 ms would miss a limit of 50 ms.
 */
export const tickMs = 100
