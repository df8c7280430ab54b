// Skipper's filters that slow down and break on purpose: served where the operator allows them.
import type { DelayFilter } from '../../filters/delay.ts'
import type { ThrottleFilter } from '../../filters/throttle.ts'
import { type Args, ArgumentFault } from './args.ts'
import { type FilterRow, type Made, only, refused, served } from './row.ts'

/** A filter that needs `--allow-diagnostic-filters`. */
function diagnostic(
  name: string,
  args: string,
  note: string,
  read: (args: Args) => Made,
): FilterRow {
  return served(name, args, `With --allow-diagnostic-filters. ${note}`, (given, context) => {
    if (context.allowsDiagnostics === true) return read(given)
    throw new ArgumentFault(
      'breaks requests on purpose, and the operator has not set --allow-diagnostic-filters',
    )
  })
}

function delaying(on: DelayFilter['on'], by: DelayFilter['by']) {
  return (args: Args): Made => {
    args.expect(2)
    return delay({
      on,
      by,
      meanMs: args.duration(0, 'mean', 1),
      spreadMs: args.duration(1, 'spread', 1),
    })
  }
}

function fixed(on: DelayFilter['on']) {
  return (args: Args): Made => {
    args.expect(1)
    return delay({ on, by: 'uniform', meanMs: args.duration(0, 'time', 1), spreadMs: 0 })
  }
}

function delay(terms: Omit<DelayFilter, 'kind'>): Made {
  const filter: DelayFilter = { kind: 'delay', ...terms }
  return only(filter)
}

function throttle(terms: Omit<ThrottleFilter, 'kind'>): Made {
  const filter: ThrottleFilter = { kind: 'throttle', ...terms }
  return only(filter)
}

// Pieces of a tenth of a second: fewer are not smooth, more cost timers.
const pieceMs = 100

function bandwidth(on: ThrottleFilter['on']) {
  return (args: Args): Made => {
    args.expect(1)
    const kilobytes = args.number(0, 'kilobytes per second')
    if (!(kilobytes > 0)) throw new ArgumentFault('its kilobytes per second must be above 0')
    const pieceBytes = Math.max(1, Math.round((kilobytes * 1000 * pieceMs) / 1000))
    return throttle({ on, pieceBytes, everyMs: pieceMs })
  }
}

function chunks(on: ThrottleFilter['on']) {
  return (args: Args): Made => {
    args.expect(2)
    return throttle({
      on,
      pieceBytes: args.whole(0, 'size', 1, 16 << 20),
      everyMs: args.duration(1, 'time', 1),
    })
  }
}

const unbuilt = 'Use latency or backendLatency.'

export const chaosRows: readonly FilterRow[] = [
  diagnostic('latency', 'time', 'The response is late.', fixed('response')),
  diagnostic('backendLatency', 'time', 'The request is late.', fixed('request')),
  diagnostic(
    'uniformRequestLatency',
    'mean, spread',
    'The request is late.',
    delaying('request', 'uniform'),
  ),
  diagnostic(
    'normalRequestLatency',
    'mean, deviation',
    'The request is late.',
    delaying('request', 'normal'),
  ),
  diagnostic(
    'uniformResponseLatency',
    'mean, spread',
    'The response is late.',
    delaying('response', 'uniform'),
  ),
  diagnostic(
    'normalResponseLatency',
    'mean, deviation',
    'The response is late.',
    delaying('response', 'normal'),
  ),
  diagnostic('bandwidth', 'kilobytes per second', 'The response is slow.', bandwidth('response')),
  diagnostic(
    'backendBandwidth',
    'kilobytes per second',
    'The request is slow.',
    bandwidth('request'),
  ),
  diagnostic('chunks', 'bytes, time', 'The response comes in pieces.', chunks('response')),
  diagnostic('backendChunks', 'bytes, time', 'The request goes in pieces.', chunks('request')),
  diagnostic('absorb', '', 'Answers with 200; the upstream is not asked.', absorbing),
  diagnostic('absorbSilent', '', 'Answers with 200; the upstream is not asked.', absorbing),
  refused('histogramRequestLatency', unbuilt),
  refused('histogramResponseLatency', unbuilt),
  refused('tarpit', unbuilt),
  refused('wrapContent', 'Use sed with the patterns `^` and `$`.'),
  refused('wrapContentHex', 'Use sed with the patterns `^` and `$`.'),
  refused('repeatContentHex', 'Use repeatContent.'),
]

function absorbing(args: Args): Made {
  args.expect(0)
  return only({ kind: 'answer-text', text: '', type: 'text/plain' } as { kind: 'answer-text' })
}
