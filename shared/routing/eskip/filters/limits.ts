// Skipper's filters of rates and times.
import type { LimitKey, RateLimitFilter } from '../../filters/rate-limit.ts'
import { type Args, ArgumentFault } from './args.ts'
import { type FilterRow, type FiltersContext, type Made, only, served } from './row.ts'

type Terms = Pick<RateLimitFilter, 'key' | 'scope'> & {
  readonly account?: string
  readonly status?: number
  readonly burst?: number
  readonly cost?: number
}

function limiting(limit: number, windowMs: number, { status = 429, ...terms }: Terms): Made {
  if (windowMs < 1) throw new ArgumentFault('its time must be 1 ms or more')
  const filter: RateLimitFilter = {
    kind: 'rate-limit',
    limit,
    windowMs,
    onStoreFailure: 'open',
    status,
    saysHourly: true,
    ...terms,
  }
  return only(filter)
}

/** Whoever has equal limits shares them within one object, and nobody else does. */
function accountIn({ owner }: FiltersContext, text: string): { readonly account?: string } {
  return owner === undefined ? {} : { account: `${owner} ${text}` }
}

/** A group is shared by the routes of its namespace that name it. */
function groupIn({ namespace }: FiltersContext, args: Args): { readonly account: string } {
  return { account: `${namespace}/${args.text(0, 'group')}` }
}

/** By whose requests are told apart: the client's address, or headers. */
function clientKey(args: Args, index: number): LimitKey {
  if (!args.has(index)) return { from: 'address' }
  const names = args.text(index, 'headers').split(',')
  const known = names.map((name) => name.trim().toLowerCase())
  return known.length === 1 && known[0] === 'x-forwarded-for'
    ? { from: 'address' }
    : { from: 'headers', names: known }
}

const perSecond = 1000
const strangers =
  'Routes of one object with the same arguments share it; in Skipper those of strangers do, too.'
const store = 'Counted in the store of --valkey-url; without it, each node counts by itself.'

function countOf(args: Args, index: number): number {
  return args.whole(index, 'number of requests', 1)
}

function statusOf(args: Args, index: number, otherwise = 429): number {
  return args.has(index) ? args.whole(index, 'status', 400, 599) : otherwise
}

function localClient(args: Args, context: FiltersContext): Made {
  args.expect(2, 3)
  const limit = countOf(args, 0)
  const windowMs = args.duration(1, 'time', perSecond)
  const key = clientKey(args, 2)
  return limiting(limit, windowMs, {
    key,
    scope: 'node',
    ...accountIn(context, `client ${limit} ${windowMs}`),
  })
}

export const limitRows: readonly FilterRow[] = [
  served('ratelimit', 'requests, time, [status]', strangers, (args, context) => {
    args.expect(2, 3)
    const limit = countOf(args, 0)
    const windowMs = args.duration(1, 'time', perSecond)
    return limiting(limit, windowMs, {
      key: { from: 'route' },
      scope: 'node',
      status: statusOf(args, 2),
      ...accountIn(context, `${limit} ${windowMs}`),
    })
  }),
  served(
    'clientRatelimit',
    'requests, time, [headers]',
    `By the client's address as trusted proxies say it, not by what clients write. ${strangers}`,
    localClient,
  ),
  served(
    'localRatelimit',
    'requests, time, [headers]',
    'The old name of clientRatelimit.',
    localClient,
  ),
  served(
    'clusterRatelimit',
    'group, requests, time, [status]',
    `Groups are those of the namespace. ${store}`,
    (args, context) => {
      args.expect(3, 4)
      return limiting(countOf(args, 1), args.duration(2, 'time', perSecond), {
        key: { from: 'route' },
        scope: 'store',
        status: statusOf(args, 3),
        ...groupIn(context, args),
      })
    },
  ),
  served(
    'clusterClientRatelimit',
    'group, requests, time, [headers]',
    `Groups are those of the namespace. ${store}`,
    (args, context) => {
      args.expect(3, 4)
      return limiting(countOf(args, 1), args.duration(2, 'time', perSecond), {
        key: clientKey(args, 3),
        scope: 'store',
        ...groupIn(context, args),
      })
    },
  ),
  served(
    'clusterLeakyBucketRatelimit',
    'label, volume, time, capacity, increment',
    `Requests for which a placeholder of the label has no value are not counted. ${store}`,
    (args, { namespace }) => {
      args.expect(5)
      const burst = args.whole(3, 'capacity', 1)
      const cost = args.whole(4, 'increment', 1)
      if (cost > burst) throw new ArgumentFault('its increment must not be above its capacity')
      return limiting(args.whole(1, 'volume', 1), args.duration(2, 'time', perSecond), {
        key: { from: 'template', text: args.template(0, 'label') },
        scope: 'store',
        account: `${namespace}/bucket ${burst}`,
        burst,
        ...(cost > 1 && { cost }),
      })
    },
  ),
  served(
    'backendRatelimit',
    'group, requests, time, [503]',
    'For each endpoint. Differs: counted by each node, not by all together. Groups are those of the namespace.',
    (args, context) => {
      args.expect(3, 4)
      if (args.has(3)) args.whole(3, 'status', 503, 503)
      const limit = countOf(args, 1)
      const windowMs = args.duration(2, 'time', perSecond)
      if (windowMs < 1) throw new ArgumentFault('its time must be 1 ms or more')
      return { backend: { endpointLimit: { ...groupIn(context, args), limit, windowMs } } }
    },
  ),
  served(
    'ratelimitFailClosed',
    '',
    'Limits of the route refuse requests while the store does not answer.',
    (args) => {
      args.expect(0)
      return { failsClosed: true }
    },
  ),
  served(
    'backendTimeout',
    'time',
    'From the request to the response, and between two pieces of its body: a body that is late is cut, and never looks whole.',
    (args) => {
      args.expect(1)
      const ms = timeOf(args)
      return { backend: { limits: { connectMs: ms, readMs: ms, sendMs: ms } } }
    },
  ),
  served('readTimeout', 'time', 'For the whole body of a request; 408 when it is over.', (args) => {
    args.expect(1)
    return only({ kind: 'time-limits', requestMs: timeOf(args) } as { kind: 'time-limits' })
  }),
  served(
    'writeTimeout',
    'time',
    'For the whole body of a response: one that is late is cut.',
    (args) => {
      args.expect(1)
      return only({ kind: 'time-limits', responseMs: timeOf(args) } as { kind: 'time-limits' })
    },
  ),
]

function timeOf(args: Args): number {
  const ms = Math.round(args.duration(0, 'time'))
  if (ms < 1) throw new ArgumentFault('its time must be 1 ms or more')
  return ms
}
