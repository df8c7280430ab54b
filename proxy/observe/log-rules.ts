// Which requests are logged, and how does each of them read? The options say it, and objects may say otherwise while it runs.
import {
  fieldsOfFormat,
  type LogRules,
  nginxLogFormat,
  parseLogFormat,
} from '../../shared/routing/log-format.ts'
import { compileTexts } from '../../shared/routing/text-list.ts'
import { formatCombined, formatJson } from './log-line.ts'
import { createNginxLine, type ToLine } from './nginx-line.ts'
import type { RequestRecord } from './record.ts'

/** What the options say. */
export interface LogOptions {
  /** As in `--access-log`. */
  readonly format: 'json' | 'combined' | 'nginx'
  readonly logsQueries?: boolean
}

/** The rules of one moment. */
export interface LiveLogRules {
  readonly toLine: ToLine
  /** Fields of requests that lines show, in lower case; undefined: none. */
  readonly fields: readonly string[] | undefined
  isLeftOut(record: RequestRecord): boolean
}

const plain = { json: formatJson, combined: formatCombined }

/** Makes the rules of the options and of what objects say, which is stronger. */
export function liveLogRules(
  { format, logsQueries = false }: LogOptions,
  rules: LogRules,
): LiveLogRules {
  const { isOff = false, skips = [], skipsUnrouted = false, escaping = 'default' } = rules
  const text = rules.format ?? (format === 'nginx' ? parseLogFormat(nginxLogFormat).format : [])
  const isSkipped = skips.length === 0 ? undefined : compileTexts(skips)
  const fields = fieldsOfFormat(text)
  return {
    toLine:
      rules.format === undefined && format !== 'nginx'
        ? plain[format]
        : createNginxLine(text, { escaping, logsQueries }),
    fields: fields.length === 0 ? undefined : fields,
    isLeftOut: ({ counters, error, path, query }) =>
      isOff ||
      counters?.isUnlogged === true ||
      (skipsUnrouted && error === 'no-route') ||
      isSkipped?.(path + query) === true,
  }
}
