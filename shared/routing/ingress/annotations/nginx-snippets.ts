// ingress-nginx's snippets: read where they hold nothing but directives of a closed list, refused as a whole otherwise.
import type { RequestText } from '../../request-text.ts'
import type { Draft } from './draft.ts'
import { parseFullName } from './filter-values.ts'
import { needsNames, type RouteNames, withNames } from './nginx-text.ts'
import { guarded, ofHost, type Row, supported } from './row.ts'
import { partOf } from './settings.ts'
import { parseLocationSnippet, parseServerSnippet } from './snippet.ts'
import { parseHostText } from './snippet-values.ts'
import type { Snippet } from './snippet-wishes.ts'
import { accept } from './values.ts'

const directives =
  '`more_set_headers`, `more_clear_headers`, `add_header`, `proxy_set_header`, `proxy_hide_header`, `expires`, `return`, `rewrite … permanent|redirect`, `deny`, `allow`'

/** Applies a snippet, unless the ConfigMap takes snippets out. */
function unless<T>(apply: (value: T, draft: Draft) => Partial<Draft> | string) {
  return (value: T, draft: Draft): Partial<Draft> | string => {
    const { defaults } = draft
    if (defaults.allowsSnippets !== false) return apply(value, draft)
    return defaults.takesCriticalRisk === true
      ? { remark: 'has no effect, as allow-snippet-annotations of the ConfigMap is false' }
      : 'is not allowed by allow-snippet-annotations of the ConfigMap'
  }
}

/** Gives the server of `auth-url` more fields; values with names of the route are not for it. */
function askWithFields(snippet: Snippet, draft: Draft): Partial<Draft> | string {
  const { request, response, answers, access, fields, host } = snippet
  if (response.length + answers.length + access.length + fields.length > 0 || host !== undefined) {
    return 'holds more than proxy_set_header, and no Host'
  }
  if (draft.filters['auth-request'] === undefined) {
    return draft.closed === undefined ? 'has no effect without auth-url' : {}
  }
  const told: (readonly [string, RequestText])[] = []
  for (const { name, value } of request) {
    if (!/^[a-z0-9_-]+$/.test(name) || needsNames(value)) return `cannot tell ${name} to a server`
    told.push([name, withNames(value, noNames)])
  }
  return partOf('auth-request', 'nginx.ingress.kubernetes.io/auth-snippet', () => ({
    fields: told,
  }))(snippet, draft)
}

/** Tells the author which directives were read over. */
function sayIdle({ idle }: Snippet): Partial<Draft> {
  const [first] = idle
  if (first === undefined) return {}
  const more = idle.length === 1 ? '' : ` and ${idle.length - 1} more`
  return { remark: `holds ${JSON.stringify(first)}${more}, without effect here` }
}

const noNames: RouteNames = { namespace: '', ingress: '', service: '', port: '' }

/** The rows of snippets and fields. */
export const snippetRows: readonly Row[] = [
  guarded(
    'configuration-snippet',
    `nginx text of ${directives}`,
    'Never run, but read: each directive becomes a filter. Values may have variables of a closed list. Directives about buffers, times, caches, compression and logs are read over, and reported. One other directive closes the routes, and the problem quotes it. Differs: `proxy_set_header` replaces (nginx sends two lines where ingress-nginx sets the header itself).',
    parseLocationSnippet,
    unless((locationSnippet: Snippet) => ({ locationSnippet, ...sayIdle(locationSnippet) })),
  ),
  ofHost(
    guarded(
      'server-snippet',
      `as \`configuration-snippet\`, and \`location { }\` blocks that return something or deny all`,
      'As `configuration-snippet`, for all routes of this Ingress; with `--like ingress-nginx` what it answers and refuses holds for those of other Ingresses with the same host, too (of another namespace: only where this one was there first), and one that cannot be read closes them. Differs: its fields are not for other Ingresses; locations answer for paths within the rules only.',
      parseServerSnippet,
      unless((serverSnippet: Snippet) => ({ serverSnippet, ...sayIdle(serverSnippet) })),
    ),
    ({ allowsSnippets }) => allowsSnippets !== false,
  ),

  supported(
    'upstream-vhost',
    'host, perhaps with variables',
    'The Host that goes upstream; X-Forwarded-Host still tells the client’s.',
    parseHostText,
    (upstreamHost) => ({ upstreamHost }),
  ),
  guarded(
    'auth-snippet',
    'nginx text of `proxy_set_header`',
    'Headers that the server of `auth-url` alone gets. One other directive closes the routes.',
    parseLocationSnippet,
    unless(askWithFields),
  ),
  guarded(
    'stream-snippet',
    'nginx text',
    'Never read. Weir has no listeners for TCP: put the Service behind a load balancer of its own.',
    (text) => accept(text),
    unless(() => 'asks for a listener of TCP, which Weir has not'),
  ),
  guarded(
    'custom-headers',
    'namespace/name of a ConfigMap, of the Ingress’s own namespace',
    'Each entry replaces a field of all responses. Only names that `global-allowed-response-headers` of the ConfigMap lists: with another one, or without the ConfigMap, the routes answer 503.',
    parseFullName('ConfigMap'),
    (configMap: string, { namespace, filters, defaults }) =>
      configMap.startsWith(`${namespace}/`)
        ? {
            filters: {
              ...filters,
              'custom-headers': {
                parts: { configMap, allowed: defaults.allowedResponseHeaders ?? [] },
                key: 'nginx.ingress.kubernetes.io/custom-headers',
              },
            },
          }
        : `names a ConfigMap of another namespace than ${namespace}`,
  ),
]
