// The annotations of ingress-nginx that say something of hosts as a whole.
import { readHost } from '../hosts.ts'
import type { Draft } from './draft.ts'
import { type SupportedRow, supported } from './row.ts'
import { accept, parseBool, splitList } from './values.ts'

/** Rows of keys that mean hosts. */
export const hostRows: readonly SupportedRow[] = [
  supported(
    'server-alias',
    'hosts',
    'Other names of the hosts of the Ingress, with all their paths, those of other Ingresses too. `*.a.test` is one label. A host that has rules is never taken. Differs: no patterns (`~^…`).',
    (text) => accept(splitList(text)),
    nameAliases,
  ),
  supported(
    'from-to-www-redirect',
    'bool',
    '`www.a.test` is redirected to `a.test`, or the other way round, with 308 and path and query, unless that name has rules. Differs: names no port.',
    parseBool,
    (wwwRedirect) => ({ wwwRedirect }),
  ),
]

function nameAliases(texts: readonly string[]): Partial<Draft> {
  const aliases = new Set<string>()
  let remark: string | undefined
  for (const text of texts) {
    const result = readHost(text)
    if (result.ok) aliases.add(result.value)
    else
      remark ??= `has a name that is left out: ${JSON.stringify(text.slice(0, 80))} ${result.reason}`
  }
  return { aliases: [...aliases], ...(remark === undefined ? {} : { remark }) }
}
