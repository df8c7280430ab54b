// Skipper's filters for log, traces and metrics: they change no request. Only what keeps requests out of the log is heeded.
import { ArgumentFault } from './args.ts'
import { type FilterRow, noEffect, served } from './row.ts'

const traces = 'Spans of Weir have attributes of their own.'
const log = 'The fields of the access log are those of --access-log-format.'

export const logRows: readonly FilterRow[] = [
  served(
    'disableAccessLog',
    '[status prefix, …]',
    'Without arguments requests of the route are not logged. Those for some statuses count for nothing.',
    (args) => {
      for (let index = 0; index < args.count; index += 1) args.number(index, 'status prefix')
      if (args.count > 0) return { note: 'Requests are logged whatever their status.' }
      return { around: [{ kind: 'access-log', isOn: false } as { kind: 'access-log' }] }
    },
  ),
  served(
    'enableAccessLog',
    '[status prefix, …]',
    'Requests of the route are logged, whatever their status.',
    (args) => {
      for (let index = 0; index < args.count; index += 1) args.number(index, 'status prefix')
      return { around: [{ kind: 'access-log', isOn: true } as { kind: 'access-log' }] }
    },
  ),
  served('accessLogDisabled', '"true" or "false"', 'The old form of disableAccessLog.', (args) => {
    args.expect(1)
    const isOn = args.oneOf(0, 'argument', ['true', 'false']) === 'false'
    return { around: [{ kind: 'access-log', isOn } as { kind: 'access-log' }] }
  }),
  served('comment', 'text', 'Says something to readers.', (args) => {
    if (args.count === 0) throw new ArgumentFault('takes a text')
    return {}
  }),
  served('annotate', 'key, value', 'Says something to readers.', (args) => {
    args.expect(2)
    return {}
  }),
  noEffect('maskAccessLogQuery', 'The access log has no queries unless --log-queries is set.'),
  noEffect('auditLog', log),
  noEffect('unverifiedAuditLog', log),
  noEffect('logHeader', 'Headers are not logged.'),
  noEffect('logBody', 'Bodies are not logged.'),
  noEffect('originMarker', 'The age of routes is not measured by it.'),
  noEffect('tracingTag', traces),
  noEffect('tracingTagFromResponse', traces),
  noEffect('tracingTagFromResponseIfStatus', traces),
  noEffect('tracingBaggageToTag', traces),
  noEffect('tracingSpanName', traces),
  noEffect('stateBagToTag', traces),
  noEffect('jwtMetrics', 'Metrics do not look into tokens.'),
  noEffect('apiUsageMonitoring', 'Metrics are by route: see docs/metrics.md.'),
  noEffect('backendIsProxy', 'Failures of a proxy behind Weir are told as those of any upstream.'),
  noEffect('endpointCreated', 'Weir knows itself since when it has an endpoint.'),
  noEffect('cache', 'Weir stores no responses: each request is served by the upstream.'),
]
