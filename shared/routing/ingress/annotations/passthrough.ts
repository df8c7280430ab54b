// What do annotations say of TLS that is passed through unread?

import type { Ingress } from '../../../kube/objects.ts'
import type { Passthrough } from '../../backend.ts'
import { isAbsent, mappingOf } from '../../shapes.ts'
import type { Draft } from './draft.ts'
import { guarded, type SupportedRow } from './row.ts'
import { parseBool, parseChoice } from './values.ts'

const asks: Readonly<Record<string, Passthrough | undefined>> = {
  true: {},
  false: undefined,
  'proxy-v1': { proxyHeader: 'v1' },
  'proxy-v2': { proxyHeader: 'v2' },
}

function pass(
  passthrough: Passthrough | undefined,
  { backend, hasNoTls }: Draft,
): Partial<Draft> | string {
  if (passthrough !== undefined && hasNoTls) {
    return 'needs the option --listen-tls: TLS that ends in front of Weir cannot be passed through'
  }
  const { passthrough: _, ...rest } = backend
  return { backend: passthrough === undefined ? rest : { ...rest, passthrough } }
}

const only =
  'Only rules with the path `/` and a host count. What comes to the plain port is served as ever.'

/** ingress-nginx’s own row. */
export const nginxPassthroughRow: SupportedRow = guarded(
  'ssl-passthrough',
  'bool',
  `TLS connections that ask for the hosts of the rules (SNI) go to the Service’s endpoints as they are; annotations about requests do not count for them, but allow and deny lists do (ingress-nginx asks these neither). ${only} Needs \`--listen-tls\`; without it the routes answer 503. Differs: endpoints get the connections, not the Service’s address.`,
  parseBool,
  (isOn, draft) => pass(isOn ? {} : undefined, draft),
)

/** Weir’s own row, which can ask for more. */
export const weirPassthroughRow: SupportedRow = guarded(
  'tls-passthrough',
  '`true`, `false`, `proxy-v1`, `proxy-v2`',
  `TLS connections that ask for the hosts of the rules (SNI) go to the Service’s endpoints as they are, as tunnels; with \`proxy-v1\` or \`proxy-v2\` behind a header of the PROXY protocol that names the client. Of the other annotations allow and deny lists count, and those that choose an endpoint. ${only} Needs \`--listen-tls\`; without it the routes answer 503.`,
  parseChoice(asks),
  pass,
)

const keys = ['weir.dev/tls-passthrough', 'nginx.ingress.kubernetes.io/ssl-passthrough']

/** The key that asks for what no rule of the Ingress can have: an unread connection has no path. */
export function idlePassthroughKey(
  { backend: { passthrough } }: Draft,
  { metadata }: Ingress,
  paths: readonly unknown[],
): string | undefined {
  const isWhole = (path: unknown) => isAbsent(path) || path === '' || path === '/'
  if (passthrough === undefined || paths.some(isWhole)) return undefined
  return keys.find((key) => !isAbsent(mappingOf(metadata?.annotations)[key]))
}
