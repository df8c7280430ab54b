// Keys of the ConfigMap about what annotations may say: fields of custom-headers, snippets.
import { parseBool, parseChoice, parseHeaderNames } from '../annotations/values.ts'
import { type ConfigMapRow, differs, guardedKey, supportedKey } from './row.ts'
import { orEmpty } from './values.ts'

export const permissionRows: readonly ConfigMapRow[] = [
  guardedKey(
    'global-allowed-response-headers',
    'names, comma separated',
    '',
    'Fields that the ConfigMaps of `custom-headers` may set; an Ingress with another one answers 503.',
    orEmpty(parseHeaderNames, []),
    (allowedResponseHeaders) => ({ allowedResponseHeaders }),
  ),
  differs(
    supportedKey(
      'allow-snippet-annotations',
      'bool',
      '',
      'An explicit `false` takes snippets of annotations out: without effect where `annotations-risk-level` is `Critical`, else their routes answer 503. Without the key snippets are read by a closed list of directives, as nothing of them is run.',
      parseBool,
      (allowsSnippets) => ({ allowsSnippets }),
    ),
  ),
  differs(
    supportedKey(
      'annotations-risk-level',
      '`Low`, `Medium`, `High`, `Critical`',
      '',
      'Counts together with `allow-snippet-annotations` only: no annotation can do more than its own route.',
      parseChoice({ Low: false, Medium: false, High: false, Critical: true }),
      (takesCriticalRisk: boolean) => ({ takesCriticalRisk }),
    ),
  ),
]
