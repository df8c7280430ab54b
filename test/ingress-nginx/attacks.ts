// The holes of ingress-nginx as they were used: an Ingress for each, and what may become of it.
//
// Nearly all had one cause, text of users in a configuration that was then run. Here values become typed data or are refused.
import type { Ingress, KubeObject } from '../../shared/kube/objects.ts'
import type { Exchange } from './exchange.ts'
import { type SiteSketch, siteOf } from './site.ts'

/** One attack. */
export interface Attack {
  /** The holes that were used so. */
  readonly cve: string
  /** The Ingress; its host is its name and `.test`. */
  readonly site: SiteSketch
  /** More of the Ingress, such as its uid. */
  readonly metadata?: Readonly<Record<string, string>>
  readonly objects?: readonly KubeObject[]
  /** `closed`: its routes answer 503. `ignored`: the value has no effect, all else is served. `left out`: no route. */
  readonly outcome: 'closed' | 'ignored' | 'left out'
  /** What its owner is told names this; absent: there is nothing to tell. */
  readonly told?: RegExp
  readonly exchanges?: readonly Exchange[]
  readonly lesson: string
}

const server = 'http://auth.default.svc.cluster.local'
/** Of the password `secret`. */
export const hash = '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ='
const engine = 'ssl_engine ../../../../proc/1/fd/9;'
const breakOut = `;\n}\n}\n${engine}\n`

function configMap(name: string, data: Readonly<Record<string, string>>): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default' },
    ...{ data },
  }
}

/** An Ingress with nothing but these keys. */
export const only = (name: string, keys: SiteSketch['keys'] = {}): SiteSketch => ({
  ...{ name, rules: [`${name}.test / web`] },
  keys,
})

/** All of them. */
export const attacks: readonly Attack[] = [
  {
    cve: 'CVE-2025-1974, CVE-2025-24514 (IngressNightmare, by auth-url)',
    site: only('auth-url', { 'auth-url': `${server}/#${breakOut}` }),
    outcome: 'closed',
    told: /auth-url/,
    lesson: 'a URL is parsed, never pasted',
  },
  {
    cve: 'CVE-2025-1097 (by auth-tls-match-cn)',
    site: only('match-cn', {
      'auth-tls-match-cn': `CN=abc #(\n){}${breakOut}`,
      'auth-tls-secret': 'default/users',
    }),
    outcome: 'closed',
    told: /ca\.crt holds no certificates/,
    lesson: 'a pattern is compiled and never run as text; without an authority nobody is let in',
  },
  {
    cve: 'CVE-2025-1098 (by mirror-target)',
    site: only('mirror', { 'mirror-target': `http://shadow.test/${breakOut}$request_uri` }),
    outcome: 'ignored',
    told: /mirror-target/,
    lesson: 'no copies, and the route is served',
  },
  {
    cve: 'CVE-2025-1098 (by mirror-host)',
    site: only('mirror-host', {
      'mirror-target': 'http://shadow.default.svc.cluster.local/',
      'mirror-host': `shadow.test${breakOut}`,
    }),
    outcome: 'ignored',
    told: /mirror-host/,
    lesson: 'the same for its host',
  },
  {
    cve: 'CVE-2025-1098 (by the uid of the object)',
    site: only('uid', { 'limit-rps': '100' }),
    metadata: { uid: `a${breakOut}` },
    outcome: 'ignored',
    lesson: 'metadata are text, too, and never part of a program',
  },
  ...['../../../etc/passwd', 'default/../kube-system/token', '/etc/passwd', 'users\n../x'].map(
    (secret, at): Attack => ({
      cve: `CVE-2025-24513 (by the name of a Secret: ${JSON.stringify(secret)})`,
      site: only(`traversal-${at}`, { 'auth-type': 'basic', 'auth-secret': secret }),
      outcome: 'closed',
      told: /auth-secret/,
      lesson: 'names are names of objects, and no file is made of them',
    }),
  ),
  {
    cve: 'CVE-2025-15566 (by a value of auth-proxy-set-headers)',
    site: only('set-headers', {
      'auth-url': `${server}/`,
      'auth-proxy-set-headers': 'default/injected',
    }),
    objects: [configMap('injected', { 'X-Custom': `a"${breakOut}` })],
    outcome: 'closed',
    told: /ConfigMap default\/injected is of no use/,
    lesson: 'what a ConfigMap holds is checked as annotations are',
  },
  {
    cve: 'CVE-2026-1580 (by auth-method)',
    site: only('auth-method', { 'auth-url': `${server}/`, 'auth-method': `GET${breakOut}` }),
    outcome: 'closed',
    told: /auth-method/,
    lesson: 'the whole value must be a method, not a part of it',
  },
  {
    cve: 'CVE-2026-3288 (by rewrite-target)',
    site: only('rewrite', { 'rewrite-target': `/a" break;${breakOut}` }),
    outcome: 'ignored',
    told: /rewrite-target/,
    exchanges: [{ url: 'rewrite.test/x', status: 200, target: '/x' }],
    lesson: 'a target is a path and groups',
  },
  {
    cve: 'CVE-2026-4342 (by an alias of a key, and by the path in a comment)',
    site: {
      name: 'comment',
      rules: ['comment.test /good web', 'comment.test /#\n}\nserver{ other ImplementationSpecific'],
      keys: { 'whitelist-source-range': '0.0.0.0/0' },
    },
    outcome: 'ignored',
    told: /path/,
    exchanges: [
      { url: 'comment.test/good', status: 200, by: 'web' },
      { url: 'comment.test/', status: 404 },
    ],
    lesson: 'the rule is left out, the others stay; both names of a key are one row',
  },
  ...[
    '/x{";}location/hack{return',
    '/";\n}\nlocation /hack { return 200; }\n#',
    '/x;alias/var/run/secrets;',
    '/(a+)+$\n',
  ].map(
    (path, at): Attack => ({
      cve: `CVE-2026-24512, CVE-2022-4886, CVE-2021-25745, CVE-2021-25748 (by a path: ${JSON.stringify(path)})`,
      site: { name: `path-${at}`, rules: [] },
      outcome: 'left out',
      exchanges: [
        { url: `path-${at}.test/hack`, status: 404 },
        { url: `path-${at}.test/var/run/secrets/kubernetes.io/serviceaccount/token`, status: 404 },
      ],
      lesson: 'a path is data: it matches, or it is refused',
    }),
  ),
  {
    cve: 'CVE-2026-24513 (by custom-http-errors beside auth-url)',
    site: only('errors', {
      ...{ 'auth-url': `${server}/`, 'custom-http-errors': '401,403' },
      'default-backend': 'gone',
    }),
    outcome: 'ignored',
    told: /gone/,
    exchanges: ['401 Unauthorized', '403 Forbidden'].map((answer) => ({
      url: 'errors.test/secret',
      fields: [`X-Say-auth: ${answer}`],
      status: Number(answer.slice(0, 3)),
    })),
    lesson: 'a page that cannot be had lets nobody in',
  },
  {
    cve: 'CVE-2026-24514 (by its size)',
    site: only('large', { 'auth-url': `http://a.test/${'é'.repeat(100_000)}` }),
    outcome: 'closed',
    told: /auth-url/,
    lesson: 'a large value costs no more than it is long, and is not repeated whole',
  },
  ...[
    'content_by_lua_block { ngx.say(io.open("/var/run/secrets/kubernetes.io/serviceaccount/token"):read()) }',
    'include /var/run/secrets/kubernetes.io/serviceaccount/token;',
    'more_set_headers "X-A: b";\nalias /etc/;',
    'return 200 "$ssl_client_raw_cert";',
  ].map(
    (snippet, at): Attack => ({
      cve: `CVE-2021-25742, CVE-2023-5043 (by a snippet: ${JSON.stringify(snippet.slice(0, 30))}…)`,
      site: only(`snippet-${at}`, { 'configuration-snippet': snippet }),
      outcome: 'closed',
      told: /configuration-snippet/,
      lesson: 'one directive outside of the list, and nothing of it is read',
    }),
  ),
  {
    cve: 'CVE-2023-5044 (by permanent-redirect)',
    site: only('redirect', { 'permanent-redirect': `https://a.test${breakOut}` }),
    outcome: 'closed',
    told: /permanent-redirect/,
    lesson: 'what is sent to clients is one line',
  },
  {
    cve: 'CVE-2024-7646 (by a carriage return)',
    site: only('return', { 'permanent-redirect': `https://a.test;\r${engine}` }),
    outcome: 'closed',
    told: /permanent-redirect/,
    lesson: 'all control characters are refused, not one of them',
  },
  {
    cve: 'CVE-2021-25746 (by server-alias)',
    site: only('alias', { 'server-alias': `b.alias.test${breakOut}` }),
    outcome: 'ignored',
    told: /server-alias/,
    exchanges: [{ url: 'b.alias.test/', status: 404 }],
    lesson: 'a name that is none is left out',
  },
  {
    cve: 'CVE-2026-42945 (by groups of rewrite-target and a long path)',
    site: {
      name: 'rift',
      rules: ['rift.test /r/(.*) web ImplementationSpecific'],
      keys: { 'rewrite-target': `/${'$1'.repeat(9)}`, 'use-regex': 'true' },
    },
    outcome: 'ignored',
    exchanges: [
      { url: `rift.test/r/${'%2B+%20'.repeat(3)}?a=b`, status: 200 },
      { url: `rift.test/r/${'+%25'.repeat(1500)}`, status: 200 },
    ],
    lesson: 'texts grow as long as they are: 9 groups of 6,000 characters',
  },
]

/** Makes the Ingress of an attack; paths are not of the short form, as they have spaces and lines. */
export function attackerOf({ site, metadata = {}, cve }: Attack): Ingress {
  const { metadata: own, spec, ...ingress } = siteOf(site)
  const [, text] = /by a path: (.*)\)$/.exec(cve) ?? []
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const pathType = 'ImplementationSpecific'
  const rules =
    text === undefined
      ? spec?.rules
      : [
          {
            host: `${site.name}.test`,
            http: { paths: [{ path: `${JSON.parse(text)}`, pathType, backend }] },
          },
        ]
  return {
    ...ingress,
    metadata: { ...own, ...metadata },
    spec: { ...spec, ...(rules && { rules }) },
  }
}
