// Skipper's filters of endpoints: which one is chosen, when none is asked.

import { readOrigin } from '../../../auth-origin.ts'
import type { FailureFieldsFilter } from '../../filters/failure-fields.ts'
import { type Args, ArgumentFault } from './args.ts'
import { type FilterRow, type Made, served } from './row.ts'

// Clients of Skipper tell by it that nobody was asked.
const marked: FailureFieldsFilter = {
  kind: 'failure-fields',
  codes: ['circuit-open'],
  name: 'x-circuit-open',
  value: 'true',
}

// Where a breaker has no time of its own it is that of sony/gobreaker, which Skipper's are.
const defaultOpenMs = 60_000

function openMsOf(args: Args, index: number): number {
  const ms = args.has(index) ? args.duration(index, 'timeout', 1) : 0
  return ms === 0 ? defaultOpenMs : ms
}

function halfOpenNote(args: Args, index: number): { readonly note?: string } {
  if (!args.has(index) || args.whole(index, 'half-open requests') <= 1) return {}
  return { note: 'While it is half open one request at a time tries, not several.' }
}

const shared = 'Counted by each worker, by Service.'

export const backendRows: readonly FilterRow[] = [
  served(
    'consecutiveBreaker',
    'failures, [timeout, half-open, idle]',
    `Without a response, or 5xx. ${shared}`,
    (args) => {
      args.expect(1, 4)
      const consecutiveFailures = args.whole(0, 'failures', 1)
      return {
        backend: { breaker: { consecutiveFailures, openMs: openMsOf(args, 1) } },
        around: [marked],
        ...halfOpenNote(args, 2),
      }
    },
  ),
  served(
    'rateBreaker',
    'failures, window, [timeout, half-open, idle]',
    `So many failures among the last requests. ${shared}`,
    (args) => {
      args.expect(2, 5)
      const failures = args.whole(0, 'failures', 1)
      const window = args.whole(1, 'window', 1, 100_000)
      if (failures > window) throw new ArgumentFault('its window must not be below its failures')
      return {
        backend: { breaker: { failureRate: { failures, window }, openMs: openMsOf(args, 2) } },
        around: [marked],
        ...halfOpenNote(args, 3),
      }
    },
  ),
  served('disableBreaker', '', 'Weir has no breakers but those of filters.', (args) => {
    args.expect(0)
    return { backend: { breaker: undefined } }
  }),
  served(
    'fadeIn',
    'time, [exponent]',
    'The share of a new endpoint grows evenly, from a tenth.',
    (args) => {
      args.expect(1, 2)
      const windowMs = args.duration(0, 'time', 1)
      if (!(windowMs >= 1)) throw new ArgumentFault('its time must be 1 ms or more')
      const exponent = args.has(1) ? args.number(1, 'exponent') : 1
      return {
        backend: { slowStart: { windowMs } },
        ...(exponent !== 1 && { note: 'The share grows evenly: the exponent counts for nothing.' }),
      }
    },
  ),
  served(
    'consistentHashKey',
    'key',
    'Without a value of a placeholder it is the address of the client.',
    (args) => {
      args.expect(1)
      return { backend: { hashKey: { from: 'template', text: args.template(0, 'key') } } }
    },
  ),
  served(
    'consistentHashBalanceFactor',
    'factor',
    'No endpoint has more than so many times the average of requests.',
    (args) => {
      args.expect(1)
      const factor = args.number(0, 'factor')
      if (!(factor >= 1)) throw new ArgumentFault('its factor must be 1 or more')
      return { backend: { loadFactor: factor } }
    },
  ),
  served('setDynamicBackendUrl', 'url', 'Where a backend `<dynamic>` leads.', (args) => {
    args.expect(1)
    const url = args.text(0, 'URL')
    const result = readOrigin(url)
    if (!result.ok) throw new ArgumentFault(`its URL ${result.reason}`)
    const [, scheme = '', host = ''] = /^([a-z]+):\/\/([^/?#]+)/i.exec(url) ?? []
    return { backend: { dynamic: { scheme: scheme.toLowerCase(), host } } }
  }),
  served('setDynamicBackendHost', 'host', 'Where a backend `<dynamic>` leads.', (args) => {
    args.expect(1)
    const host = args.text(0, 'host')
    if (!readOrigin(`http://${host}`).ok)
      throw new ArgumentFault('its host must be a host, with a port perhaps')
    return { backend: { dynamic: { host } } }
  }),
  served(
    'setDynamicBackendScheme',
    '"http" or "https"',
    'How a backend `<dynamic>` is spoken to.',
    (args): Made => {
      args.expect(1)
      return { backend: { dynamic: { scheme: args.oneOf(0, 'scheme', ['http', 'https']) } } }
    },
  ),
]
