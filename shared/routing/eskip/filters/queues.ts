// Skipper's filters of load: who waits, who is refused.
import type { AdmissionFilter } from '../../filters/admission.ts'
import type { ConcurrencyFilter } from '../../filters/concurrency.ts'
import { type Args, ArgumentFault } from './args.ts'
import { type FilterRow, type Made, only, served } from './row.ts'

const most = 1_000_000

interface Terms {
  readonly order: ConcurrencyFilter['order']
  /** The first of concurrency, size and time among the arguments. */
  readonly at: number
  readonly account?: string
  readonly holdsBody: boolean
}

function queueing(args: Args, { order, at, account, holdsBody }: Terms): Made {
  const limit = args.has(at) ? args.whole(at, 'concurrency', 1, most) : 100
  const queue = args.has(at + 1) ? args.whole(at + 1, 'size', 0, most) : 100
  const maxWaitMs = args.has(at + 2) ? args.duration(at + 2, 'time', 1) : 10_000
  if (!(maxWaitMs >= 1)) throw new ArgumentFault('its time must be 1 ms or more')
  const filter: ConcurrencyFilter = {
    kind: 'concurrency',
    key: { from: 'route' },
    ...{ limit, queue, order, maxWaitMs, status: 503, lateStatus: 502 },
    ...(account !== undefined && { account }),
    ...(!holdsBody && { until: 'head' as const }),
  }
  return only(filter)
}

function fifo(holdsBody: boolean) {
  return (args: Args): Made => {
    args.expect(3)
    return queueing(args, { order: 'fifo', at: 0, holdsBody })
  }
}

function lifo(holdsBody: boolean) {
  return (args: Args): Made => {
    args.expect(0, 3)
    return queueing(args, { order: 'lifo', at: 0, holdsBody })
  }
}

function lifoGroup(holdsBody: boolean): FilterRow['read'] {
  return (args, { namespace }) => {
    args.expect(1, 4)
    const account = `${namespace}/${args.text(0, 'group')}`
    return queueing(args, { order: 'lifo', at: 1, account, holdsBody })
  }
}

const codes =
  '503 when the queue is full, 502 when the time is over. The workers of a proxy share its places.'
const head = `A place is free when the response has begun. ${codes}`
const whole = `A place is free when the response has ended. ${codes}`

export const queueRows: readonly FilterRow[] = [
  served('fifo', 'concurrency, size, time', head, fifo(false)),
  served('fifoWithBody', 'concurrency, size, time', whole, fifo(true)),
  served('lifo', '[concurrency, size, time]', head, lifo(false)),
  served('lifoWithBody', '[concurrency, size, time]', whole, lifo(true)),
  served(
    'lifoGroup',
    'group, [concurrency, size, time]',
    `Groups are those of the namespace. ${head}`,
    lifoGroup(false),
  ),
  served(
    'lifoGroupWithBody',
    'group, [concurrency, size, time]',
    `Groups are those of the namespace. ${whole}`,
    lifoGroup(true),
  ),
  served(
    'admissionControl',
    'suffix, mode, time, slots, least per second, threshold, highest chance, exponent',
    'Counted by each worker. Only the mode "active" refuses.',
    (args): Made => {
      args.expect(8)
      args.text(0, 'suffix')
      const mode = args.oneOf(1, 'mode', ['active', 'inactive', 'logInactive'])
      const filter: AdmissionFilter = {
        kind: 'admission',
        slotMs: args.duration(2, 'time'),
        slots: args.whole(3, 'slots', 1, 100),
        minPerSecond: args.number(4, 'least requests per second'),
        threshold: args.number(5, 'threshold'),
        maxChance: args.number(6, 'highest chance'),
        exponent: args.number(7, 'exponent'),
      }
      return mode === 'active' ? only(filter) : { note: `In the mode "${mode}" nobody is refused.` }
    },
  ),
]
