// Keys of the ConfigMap about the access log: whether there is one, which requests are in it, and how a line reads.
import {
  knownLogVariables,
  type LogRules,
  nginxLogFormat,
  parseLogFormat,
} from '../../log-format.ts'
import { accept, parseBool } from '../annotations/values.ts'
import type { IngressDefaults } from '../defaults.ts'
import { type ConfigMapRow, differs, heldBy, remarking, supportedKey } from './row.ts'
import { orEmpty, parseBlocks } from './values.ts'

function log(rules: LogRules, { serving }: IngressDefaults): Partial<IngressDefaults> {
  return { serving: { ...serving, log: { ...serving?.log, ...rules } } }
}

/** Two keys may say it; one is enough. */
const turnOff = (isOff: boolean, defaults: IngressDefaults): Partial<IngressDefaults> =>
  isOff ? log({ isOff }, defaults) : {}

/** Of two ways to escape the later row is the stronger. */
const escapeBy =
  (escaping: 'json' | 'none') =>
  (isOn: boolean, defaults: IngressDefaults): Partial<IngressDefaults> =>
    isOn ? log({ escaping }, defaults) : {}

export const logRows: readonly ConfigMapRow[] = [
  supportedKey(
    'disable-access-log',
    'bool',
    'false',
    'With `true` no request is logged. `--access-log off` is stronger than `false`.',
    parseBool,
    turnOff,
  ),
  supportedKey(
    'disable-http-access-log',
    'bool',
    'false',
    'As `disable-access-log`: Weir serves HTTP only.',
    parseBool,
    turnOff,
  ),
  differs(
    supportedKey(
      'skip-access-log-urls',
      'paths with queries, and patterns (`~…`, `~*…`), separated by commas',
      '',
      'Requests for these are not logged. Differs: case counts in patterns only, which are RE2.',
      parseBlocks,
      (skips, defaults) => (skips.length === 0 ? {} : log({ skips }, defaults)),
    ),
  ),
  supportedKey(
    'enable-access-log-for-default-backend',
    'bool',
    'false',
    'Requests that no route takes (404) are logged.',
    parseBool,
    (isOn, defaults) => log({ skipsUnrouted: !isOn }, defaults),
  ),
  heldBy(
    'access-log',
    remarking(
      differs(
        supportedKey(
          'log-format-upstream',
          'text with variables',
          nginxLogFormat,
          `How a line reads. Differs: without queries unless \`--log-queries\` is set, the upstream variables tell of the last attempt only, and others than these are empty and reported: ${knownLogVariables.replaceAll(/\$\w+/g, '`$&`')}.`,
          orEmpty<string | undefined>(accept<string>, undefined),
          (text, defaults) =>
            text === undefined ? {} : log({ format: parseLogFormat(text).format }, defaults),
        ),
      ),
      (text) => {
        const { unknown } = parseLogFormat(text)
        return unknown.length === 0
          ? undefined
          : `has ${unknown.join(', ')}, which Weir does not know: nothing is written there`
      },
    ),
  ),
  supportedKey(
    'log-format-escape-json',
    'bool',
    'false',
    'Values are escaped for texts of JSON.',
    parseBool,
    escapeBy('json'),
  ),
  differs(
    supportedKey(
      'log-format-escape-none',
      'bool',
      'false',
      'Values are not escaped. Differs: bytes that are not printable are.',
      parseBool,
      escapeBy('none'),
    ),
  ),
]
