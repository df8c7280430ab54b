// Does every policy do what its annotations ask for, in every family, at every phase of a request? The real program, with
// annotated Ingresses in manifests; each row is an Ingress of its own host.
import t, { type Test } from 'tap'
import type { Ingress } from '../shared/kube/objects.ts'
import {
  type Ask,
  type AskBy,
  ask,
  askHttp2,
  metric,
  problemsOf,
  until,
  whyNotHttp2,
} from './support/ask.ts'
import { startBlackhole } from './support/blackhole.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import { startProxyProcess } from './support/proxy-process.ts'
import { connectRaw, fieldsOf, type RawResponse } from './support/raw-client.ts'
import { type Echo, echoFields, readEcho, startEcho, startScripted } from './support/upstream.ts'

const nginx = 'nginx.ingress.kubernetes.io'
const stranger = '127.0.0.2'

/** One request and what is expected of it. */
interface Exchange extends Omit<Ask, 'host'> {
  readonly status: number
  /** The code in the body of an error page. */
  readonly code?: string
  readonly location?: string
  /** Fields of the response: all their values, in order. */
  readonly gets?: Readonly<Record<string, readonly string[]>>
  /** The target that the upstream was asked for. */
  readonly target?: string
  /** Fields that the upstream saw: all their values, in order. */
  readonly sees?: Readonly<Record<string, readonly string[]>>
  readonly why: string
}

interface Row {
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  readonly path?: string
  readonly pathType?: string
  readonly service?: string
  readonly exchanges: readonly Exchange[]
}

const https = ['X-Forwarded-Proto: https']
const client = (address: string) => [`X-Forwarded-For: ${address}`]

const sslRedirects: readonly Row[] = [
  ['weir.dev/ssl-redirect', 308],
  [`${nginx}/ssl-redirect`, 308],
  [`${nginx}/force-ssl-redirect`, 308],
  ['zalando.org/skipper-ingress-redirect', 308],
].map(([key, status]) => ({
  name: `${key}`,
  annotations: { [`${key}`]: 'true' },
  exchanges: [
    {
      path: '/a/b?c=d&e=%2F',
      status: Number(status),
      location: 'https://HOST/a/b?c=d&e=%2F',
      why: 'http is sent to https, with path and query',
    },
    {
      path: '/a',
      fields: https,
      status: 200,
      target: '/a',
      why: 'no loop: the load balancer, which is trusted, says that the client came by https',
    },
    {
      fields: ['X-Forwarded-Proto: http'],
      status: Number(status),
      location: 'https://HOST/',
      why: 'the load balancer says http',
    },
    {
      fields: ['X-Forwarded-Proto: http, https'],
      status: 200,
      why: 'the last word is that of the load balancer',
    },
    {
      fields: ['X-Forwarded-Proto: gopher'],
      status: Number(status),
      why: 'what is no scheme is not believed',
    },
    {
      fields: https,
      from: stranger,
      status: Number(status),
      why: 'a stranger cannot say that it came by https',
    },
    {
      method: 'POST',
      body: 'x=1',
      status: Number(status),
      why: 'the method is kept by the status, the body is not needed',
    },
  ],
}))

const redirects: readonly Row[] = [
  {
    name: 'skipper-ingress-redirect-code',
    annotations: {
      'zalando.org/skipper-ingress-redirect': 'true',
      'zalando.org/skipper-ingress-redirect-code': '302',
    },
    exchanges: [{ status: 302, location: 'https://HOST/', why: 'the status of its own' }],
  },
  {
    name: 'ssl-redirect false',
    annotations: { [`${nginx}/ssl-redirect`]: 'false' },
    exchanges: [{ status: 200, why: 'an explicit false asks for nothing' }],
  },
  {
    name: 'permanent-redirect',
    annotations: { [`${nginx}/permanent-redirect`]: 'https://other.test/new' },
    exchanges: [
      {
        path: '/x?y=1',
        status: 301,
        location: 'https://other.test/new',
        why: 'the URL as it stands, without path and query of the request',
      },
    ],
  },
  {
    name: 'permanent-redirect with $request_uri',
    annotations: {
      [`${nginx}/permanent-redirect`]: 'https://other.test$request_uri',
      [`${nginx}/permanent-redirect-code`]: '308',
    },
    exchanges: [
      { path: '/x?y=1', status: 308, location: 'https://other.test/x?y=1', why: 'both are kept' },
      {
        path: '//evil.test/x',
        status: 308,
        location: 'https://other.test//evil.test/x',
        why: 'the host of the redirect is not the request’s to choose',
      },
      {
        path: '/\xe4',
        status: 308,
        location: 'https://other.test/%E4',
        why: 'a raw byte is written as visible ASCII',
      },
      {
        path: '/%0d%0aSet-Cookie:%20a=b',
        status: 308,
        location: 'https://other.test/%0D%0ASet-Cookie:%20a=b',
        why: 'nothing is decoded: a redirect cannot be split',
      },
    ],
  },
  {
    name: 'temporal-redirect',
    annotations: { [`${nginx}/temporal-redirect`]: 'http://other.test/t' },
    exchanges: [{ status: 302, location: 'http://other.test/t', why: 'temporal is 302' }],
  },
  {
    name: 'temporal-redirect-code',
    annotations: {
      [`${nginx}/temporal-redirect`]: 'http://other.test/t',
      [`${nginx}/temporal-redirect-code`]: '307',
      [`${nginx}/permanent-redirect`]: 'http://other.test/p',
    },
    exchanges: [{ status: 307, location: 'http://other.test/t', why: 'temporal beats permanent' }],
  },
  {
    name: 'app-root',
    annotations: { [`${nginx}/app-root`]: '/app?first=1' },
    exchanges: [
      {
        status: 302,
        location: 'http://HOST/app?first=1',
        why: 'exactly / is sent on, with the scheme of the client',
      },
      { fields: https, status: 302, location: 'https://HOST/app?first=1', why: 'here https' },
      { path: '/app', status: 200, target: '/app', why: 'what lies below is served' },
      { path: '/x', status: 200, target: '/x', why: 'so is the rest' },
    ],
  },
  {
    name: 'redirect-to a path',
    annotations: { 'weir.dev/redirect-to': '/moved', 'weir.dev/redirect-status': '303' },
    exchanges: [
      {
        path: '/a?b=c',
        status: 303,
        location: 'http://HOST/moved',
        why: 'a path replaces the path and drops the query',
      },
    ],
  },
  {
    name: 'redirect-to a host',
    annotations: { 'weir.dev/redirect-to': '//new.test' },
    exchanges: [
      {
        path: '/a?b=c',
        fields: https,
        status: 302,
        location: 'https://new.test/a?b=c',
        why: 'scheme, path and query come from the request',
      },
      {
        method: 'HEAD',
        path: '/a',
        status: 302,
        location: 'http://new.test/a',
        why: 'HEAD is answered alike, without a body',
      },
    ],
  },
  {
    name: 'redirect-to scheme, host and port',
    annotations: {
      'weir.dev/redirect-to': 'https://new.test:8443/x?y=z',
      'weir.dev/redirect-status': '307',
    },
    exchanges: [
      { status: 307, location: 'https://new.test:8443/x?y=z', why: 'all of it is configured' },
    ],
  },
  {
    name: 'redirect-to with a default port',
    annotations: { 'weir.dev/redirect-to': 'https://new.test:443' },
    exchanges: [{ path: '/p', status: 302, location: 'https://new.test/p', why: '443 is implied' }],
  },
  {
    name: 'rewrite-target to a URL',
    annotations: { [`${nginx}/rewrite-target`]: 'https://other.test/there' },
    exchanges: [
      {
        path: '/x?a=b',
        status: 302,
        location: 'https://other.test/there?a=b',
        why: 'nginx redirects, and keeps the query',
      },
    ],
  },
  {
    name: 'rewrite-target to a URL with groups',
    path: '/old/(.*)',
    pathType: 'ImplementationSpecific',
    annotations: { [`${nginx}/rewrite-target`]: 'https://other.test/new/$1' },
    exchanges: [
      {
        path: '/old/a/b?c=d',
        status: 302,
        location: 'https://other.test/new/a/b?c=d',
        why: 'the group goes into the path',
      },
      {
        path: '/old//evil.test',
        status: 302,
        location: 'https://other.test/new//evil.test',
        why: 'and nowhere else',
      },
    ],
  },
  {
    name: 'permanent-redirect to a path',
    annotations: { [`${nginx}/permanent-redirect`]: '/new' },
    exchanges: [
      { status: 301, location: 'http://HOST/new', why: 'scheme and host of the request' },
      { fields: https, status: 301, location: 'https://HOST/new', why: 'the scheme, too' },
    ],
  },
  {
    name: 'relative-redirects',
    annotations: {
      [`${nginx}/permanent-redirect`]: '/new',
      [`${nginx}/relative-redirects`]: 'true',
    },
    exchanges: [{ status: 301, location: '/new', why: 'the path alone' }],
  },
  {
    name: 'use-port-in-redirects',
    annotations: {
      [`${nginx}/force-ssl-redirect`]: 'true',
      [`${nginx}/use-port-in-redirects`]: 'true',
    },
    exchanges: [{ path: '/x', status: 308, location: 'https://HOST:443/x', why: 'with its port' }],
  },
]

const rewrites: readonly Row[] = [
  {
    name: 'rewrite-prefix to /',
    path: '/api',
    annotations: { 'weir.dev/rewrite-prefix': '/' },
    exchanges: [
      { path: '/api/x/y?q=1', status: 200, target: '/x/y?q=1', why: 'the prefix goes' },
      { path: '/api', status: 200, target: '/', why: 'nothing is left but /' },
      { path: '/api/', status: 200, target: '/', why: 'the same with its slash' },
      { path: '/api?q=1', status: 200, target: '/?q=1', why: 'the query is kept' },
      { path: '/apiary', status: 404, code: 'no-route', why: 'whole segments only' },
      {
        path: '/api//evil.test/x',
        status: 200,
        target: '/evil.test/x',
        why: 'a target never begins with two slashes: upstreams read an authority there',
      },
      {
        path: '/api/../secret',
        status: 404,
        code: 'no-route',
        why: 'dots are resolved before the match',
      },
      { path: '/api/..%2fsecret', status: 400, why: 'a hidden dot segment is refused' },
      { path: '/api/%2e%2e/secret', status: 404, why: 'encoded dots are dots' },
      { path: '/api\\..\\secret', status: 400, why: 'a backslash is refused' },
    ],
  },
  {
    name: 'rewrite-prefix to another',
    path: '/api/v1/',
    annotations: { 'weir.dev/rewrite-prefix': '/internal/v2/' },
    exchanges: [
      {
        path: '/api/v1/users',
        status: 200,
        target: '/internal/v2/users',
        why: 'one slash between',
      },
      {
        path: '/api/v1',
        status: 200,
        target: '/internal/v2',
        why: 'without a slash none is added',
      },
      {
        path: '/api/v1/a%2Fb%20c;v=1',
        status: 200,
        target: '/internal/v2/a%2Fb%20c;v=1',
        why: 'the rest is the client’s, byte for byte',
      },
    ],
  },
  {
    name: 'nginx rewrite-target with groups',
    path: '/something(/|$)(.*)',
    pathType: 'ImplementationSpecific',
    annotations: { [`${nginx}/rewrite-target`]: '/$2', [`${nginx}/use-regex`]: 'true' },
    exchanges: [
      { path: '/something', status: 200, target: '/', why: 'an empty group' },
      { path: '/something/', status: 200, target: '/', why: 'the same with a slash' },
      { path: '/something/new?a=b', status: 200, target: '/new?a=b', why: 'the query is kept' },
      { path: '/SOMETHING/Case', status: 200, target: '/Case', why: 'patterns know no case' },
      { path: '/somethingelse', status: 404, why: 'the pattern wants a slash or the end' },
      { path: '/x/something/', status: 404, why: 'patterns are anchored at the start' },
      {
        path: '/something//evil.test',
        status: 200,
        target: '/evil.test',
        why: 'a capture cannot make an authority',
      },
      { path: '/something/%23a', status: 200, target: '/%23a', why: 'nothing is decoded' },
      {
        path: '/something/a//../b',
        status: 400,
        why: 'what upstreams would resolve differently is refused',
      },
    ],
  },
  {
    name: 'weir rewrite-target with several groups and a query',
    path: '/u/([0-9]+)/(?:p/)?([a-z]+)',
    annotations: {
      'weir.dev/use-regex': 'true',
      'weir.dev/rewrite-target': '/user?id=$1&page=$2',
    },
    exchanges: [
      { path: '/u/42/p/home', status: 200, target: '/user?id=42&page=home', why: 'two groups' },
      {
        path: '/u/42/home?lang=de&x=%26',
        status: 200,
        target: '/user?id=42&page=home&lang=de&x=%26',
        why: 'the query of the request is joined by &',
      },
      { path: '/u/4x/home', status: 404, why: 'no digits, no match' },
    ],
  },
  {
    name: 'rewrite-target without groups',
    path: '/old',
    annotations: { [`${nginx}/rewrite-target`]: '/new' },
    exchanges: [
      {
        path: '/old/a?q',
        status: 200,
        target: '/new?q',
        why: 'the whole path is replaced (nginx)',
      },
    ],
  },
  {
    name: 'captures that try to climb',
    path: '/img(.*)',
    annotations: { 'weir.dev/use-regex': 'true', 'weir.dev/rewrite-target': '/static$1' },
    exchanges: [
      { path: '/img/a.png', status: 200, target: '/static/a.png', why: 'the plain case' },
      { path: '/img/../etc', status: 404, why: 'resolved before the match' },
      {
        path: '/img../etc',
        status: 200,
        target: '/static../etc',
        why: 'three characters that are no dot segment stay',
      },
      { path: '/img%2f..%2fetc', status: 400, why: 'encoded slashes hide dots' },
      {
        path: '/img?x=../../y',
        status: 200,
        target: '/static?x=../../y',
        why: 'a query is no path',
      },
    ],
  },
  {
    name: 'captures behind a slash',
    path: '/f/(.*)',
    annotations: { 'weir.dev/use-regex': 'true', 'weir.dev/rewrite-target': '/deep/.$1' },
    exchanges: [
      {
        path: '/f/./x',
        status: 200,
        target: '/deep/.x',
        why: 'dot segments of the request are gone before the match',
      },
      {
        path: '/f/.',
        status: 200,
        target: '/deep',
        why: 'a dot segment that the replacement would leave is dropped',
      },
      {
        path: '/f/.hidden',
        status: 200,
        target: '/deep/..hidden',
        why: 'two dots and more are a name',
      },
    ],
  },
  {
    name: 'x-forwarded-prefix',
    path: '/shop(/|$)(.*)',
    annotations: {
      [`${nginx}/rewrite-target`]: '/$2',
      [`${nginx}/x-forwarded-prefix`]: '/shop',
    },
    exchanges: [
      {
        path: '/shop/cart',
        fields: ['X-Forwarded-Prefix: /forged'],
        status: 200,
        target: '/cart',
        sees: { 'x-forwarded-prefix': ['/shop'] },
        why: 'the prefix is told once, whatever the client says',
      },
    ],
  },
]

const headers: readonly Row[] = [
  {
    name: 'request headers',
    annotations: {
      'weir.dev/request-headers-set': 'X-Tenant: acme\nX-Debug: off, really',
      'weir.dev/request-headers-add': 'Via: 1.1 weir\nX-Many: two',
      'weir.dev/request-headers-remove': 'X-Secret, Accept-Encoding',
    },
    exchanges: [
      {
        fields: [
          'X-Tenant: forged',
          'x-tenant: forged again',
          'X-Many: one',
          'X-SECRET: 1',
          'Accept-Encoding: gzip',
          'X-Other: kept',
        ],
        status: 200,
        sees: {
          'x-tenant': ['acme'],
          'x-debug': ['off, really'],
          'x-many': ['one', 'two'],
          via: ['1.1 weir'],
          'x-secret': [],
          'accept-encoding': [],
          'x-other': ['kept'],
        },
        why: 'set replaces every line, add appends, remove drops, others stay',
      },
      {
        fields: ['Connection: X-Tenant, close', 'X-Tenant: forged'],
        status: 200,
        sees: { 'x-tenant': ['acme'] },
        why: 'a client cannot have a set field dropped by listing it in Connection',
      },
    ],
  },
  {
    name: 'response headers',
    service: 'fields',
    annotations: {
      'weir.dev/response-headers-set':
        'Strict-Transport-Security: max-age=31536000; includeSubDomains\nServer: edge',
      'weir.dev/response-headers-add': 'Set-Cookie: mine=1',
      'weir.dev/response-headers-remove': 'X-Powered-By',
    },
    exchanges: [
      {
        status: 200,
        gets: {
          'strict-transport-security': ['max-age=31536000; includeSubDomains'],
          server: ['edge'],
          'set-cookie': ['a=1', 'b=2', 'mine=1'],
          'x-powered-by': [],
          'x-app': ['kept'],
        },
        why: 'set, add and remove; the upstream’s own cookies stay',
      },
      {
        method: 'HEAD',
        status: 200,
        gets: { server: ['edge'], 'x-powered-by': [], 'content-length': ['2'] },
        why: 'HEAD looks like GET',
      },
      {
        path: '/500',
        status: 500,
        gets: { server: ['edge'], 'x-powered-by': [] },
        why: 'an error of the upstream is its response, and edited',
      },
    ],
  },
  {
    name: 'response headers that Weir adds',
    annotations: { 'weir.dev/response-headers-set': 'Server: edge' },
    exchanges: [
      { status: 200, gets: { server: ['edge'] }, why: 'one Server, the one that is set' },
    ],
  },
  {
    name: 'response headers that Weir is not to add',
    annotations: { 'weir.dev/response-headers-remove': 'Server' },
    exchanges: [{ status: 200, gets: { server: [] }, why: 'removed is removed' }],
  },
  {
    name: 'facts of Weir',
    annotations: {
      'weir.dev/request-headers-set': 'X-Forwarded-Proto: https\nX-Request-Id: fixed',
      'weir.dev/request-headers-remove': 'X-Real-IP',
    },
    exchanges: [
      {
        fields: ['Connection: X-Forwarded-For'],
        status: 200,
        sees: {
          'x-forwarded-proto': ['https'],
          'x-request-id': ['fixed'],
          'x-real-ip': [],
          'x-forwarded-for': ['127.0.0.1'],
        },
        why: 'the owner of a route may replace and drop what Weir says; a client may not',
      },
    ],
  },
  {
    name: 'response headers of Weir’s own answers',
    service: 'nobody',
    annotations: { 'weir.dev/response-headers-set': 'X-Edited: yes\nServer: edge' },
    exchanges: [
      {
        status: 503,
        code: 'service-missing',
        gets: { 'x-edited': [], server: ['weir'], 'content-type': ['text/plain; charset=utf-8'] },
        why: 'an error page is Weir’s, not a response of the route',
      },
    ],
  },
]

const limits: readonly Row[] = [
  {
    name: 'proxy-body-size',
    annotations: { [`${nginx}/proxy-body-size`]: '1k' },
    exchanges: [
      { method: 'POST', body: 'x'.repeat(1024), status: 200, why: 'exactly the limit passes' },
      {
        method: 'POST',
        body: 'x'.repeat(1025),
        status: 413,
        code: 'body-too-large',
        why: 'one byte more does not',
      },
      {
        method: 'POST',
        fields: ['Content-Length: 99999999999', 'Expect: 100-continue'],
        status: 413,
        why: 'the length is enough: no byte of the body is asked for',
      },
      { status: 200, why: 'no body, no limit' },
    ],
  },
  {
    name: 'max-body-size',
    annotations: { 'weir.dev/max-body-size': '10' },
    exchanges: [
      {
        method: 'PUT',
        fields: ['Transfer-Encoding: chunked'],
        body: '5\r\nhello\r\n'.repeat(4),
        status: 413,
        code: 'body-too-large',
        why: 'chunks are counted as they come',
      },
      {
        method: 'PUT',
        fields: ['Transfer-Encoding: chunked'],
        body: `${'5\r\nhello\r\n'.repeat(4)}0\r\n\r\n`,
        status: 413,
        code: 'body-too-large',
        why: 'also of a body that is whole',
      },
    ],
  },
  {
    name: 'body size 0',
    annotations: { [`${nginx}/proxy-body-size`]: '0' },
    exchanges: [{ method: 'POST', body: 'x'.repeat(5000), status: 200, why: '0 is no limit' }],
  },
]

const accessRows = (key: string): readonly Exchange[] => [
  {
    fields: client('10.1.2.3'),
    status: 200,
    why: `${key}: a member, by the word of a trusted peer`,
  },
  { fields: client('fd00::7'), status: 200, why: `${key}: IPv6` },
  {
    fields: client('11.0.0.1'),
    status: 403,
    code: 'access-denied',
    why: `${key}: nobody of the list`,
  },
  { status: 403, why: `${key}: the peer itself, when it speaks for nobody` },
  {
    fields: client('10.1.2.3'),
    from: stranger,
    status: 403,
    why: `${key}: a stranger cannot name its address`,
  },
  {
    fields: client('10.1.2.3, 11.0.0.1'),
    status: 403,
    why: `${key}: the nearest address that is not ours is the client, what stands before it was said by itself`,
  },
  {
    fields: client('11.0.0.1, 10.1.2.3, 127.0.0.1'),
    status: 200,
    why: `${key}: trusted hops are passed over`,
  },
  {
    fields: ['X-Real-IP: 10.1.2.3', 'Forwarded: for=10.1.2.3'],
    status: 403,
    why: `${key}: other fields do not count`,
  },
  {
    fields: client('10.1.2.3, nonsense'),
    status: 403,
    why: `${key}: what is no address ends the chain at the last hop that is known`,
  },
]

const access: readonly Row[] = [
  ...[
    `${nginx}/whitelist-source-range`,
    `${nginx}/allowlist-source-range`,
    'weir.dev/allow-source-ranges',
  ].map((key) => ({
    name: key,
    annotations: { [key]: '10.0.0.0/8, fd00::/8' },
    exchanges: accessRows(key),
  })),
  ...[`${nginx}/denylist-source-range`, 'weir.dev/deny-source-ranges'].map((key) => ({
    name: key,
    annotations: { [key]: '192.0.2.0/24 2001:db8::/32' },
    exchanges: [
      { fields: client('192.0.2.9'), status: 403, code: 'access-denied', why: 'named by the list' },
      { fields: client('2001:db8::1'), status: 403, why: 'IPv6' },
      { fields: client('::ffff:192.0.2.9'), status: 403, why: 'IPv4 in IPv6 clothes' },
      { fields: client('192.0.3.9'), status: 200, why: 'not named' },
      { fields: client('192.0.2.9'), from: stranger, status: 200, why: 'said by a stranger' },
    ],
  })),
  {
    name: 'deny beats allow',
    annotations: {
      [`${nginx}/whitelist-source-range`]: '10.0.0.0/8',
      [`${nginx}/denylist-source-range`]: '10.6.0.0/16',
    },
    exchanges: [
      { fields: client('10.5.0.1'), status: 200, why: 'allowed' },
      { fields: client('10.6.0.1'), status: 403, why: 'allowed and denied' },
    ],
  },
  {
    name: 'access before redirect',
    annotations: {
      'weir.dev/deny-source-ranges': '192.0.2.0/24',
      'weir.dev/redirect-to': 'https://new.test/',
    },
    exchanges: [
      { fields: client('192.0.2.1'), status: 403, why: 'who is denied learns nothing' },
      { fields: client('192.0.3.1'), status: 302, location: 'https://new.test/', why: 'others do' },
    ],
  },
]

/** Routes that must not be served open; `reason` is that of the problem. */
const closed: readonly (Row & { readonly reason: string; readonly field: string })[] = [
  [{ [`${nginx}/auth-url`]: 'auth.test/check' }, 'invalid-annotation', 'auth-url'],
  [{ [`${nginx}/limit-rps`]: '5r/s' }, 'invalid-annotation', 'limit-rps'],
  [{ [`${nginx}/auth-tls-secret`]: 'a/b' }, 'invalid-annotation', 'auth-tls-secret'],
  [{ [`${nginx}/ssl-passthrough`]: 'true' }, 'invalid-annotation', 'ssl-passthrough'],
  [
    { [`${nginx}/configuration-snippet`]: 'deny all; sub_filter a b;' },
    'invalid-annotation',
    'snippet',
  ],
  [{ [`${nginx}/whitelist-source-rnage`]: '10.0.0.0/8' }, 'unknown-annotation', 'rnage'],
  [{ [`${nginx}/whitelist-source-range`]: '10.0.0.0/99' }, 'invalid-annotation', 'whitelist'],
  [{ [`${nginx}/denylist-source-range`]: 'office' }, 'invalid-annotation', 'denylist'],
  [{ [`${nginx}/ssl-redirect`]: 'yes please' }, 'invalid-annotation', 'ssl-redirect'],
  [{ [`${nginx}/backend-protocol`]: 'FCGI' }, 'invalid-annotation', 'backend-protocol'],
  [{ 'zalando.org/skipper-filter': 'opaAuthorizeRequest("uid")' }, 'invalid-annotation', 'filter'],
  [
    { 'zalando.org/skipper-predicate': 'SourceFromLst("1.2.3.4")' },
    'invalid-annotation',
    'predicate',
  ],
  [{ 'zalando.org/skipper-made-up-auth': 'x' }, 'unknown-annotation', 'made-up'],
  [{ 'weir.dev/allow-source-range': '10.0.0.0/8' }, 'unknown-annotation', 'allow-source-range'],
  [{ 'weir.dev/request-headers-set': 'Host: other' }, 'invalid-annotation', 'request-headers-set'],
].map(([annotations, reason, field]) => ({
  name: `closed: ${Object.keys(annotations ?? {}).join()}`,
  annotations: annotations as Readonly<Record<string, string>>,
  reason: String(reason),
  field: String(field),
  exchanges: [{ status: 503, code: 'policy-closed', why: 'it may protect something' }],
}))

/** Reported, and served all the same: what is lost protects nothing. */
const reported: readonly (Row & { readonly reason: string; readonly field: string })[] = [
  [{ [`${nginx}/proxy-buffering`]: 'maybe' }, 'invalid-annotation', 'proxy-buffering'],
  [{ [`${nginx}/proxy-body-size`]: 'huge' }, 'invalid-annotation', 'proxy-body-size'],
  [{ [`${nginx}/temporal-redirect`]: '/path' }, 'invalid-annotation', 'temporal-redirect'],
  [{ [`${nginx}/relative-redirects`]: 'maybe' }, 'invalid-annotation', 'relative-redirects'],
  [{ [`${nginx}/proxy-redirect-from`]: '/a/' }, 'invalid-annotation', 'proxy-redirect-from'],
  [{ [`${nginx}/proxy-redirect-to`]: '/a/' }, 'invalid-annotation', 'proxy-redirect-to'],
  [{ [`${nginx}/proxy-cookie-path`]: '/one/' }, 'invalid-annotation', 'proxy-cookie-path'],
  [{ [`${nginx}/proxy-cookie-domain`]: '~x y' }, 'invalid-annotation', 'proxy-cookie-domain'],
  [{ 'zalando.org/traffic-zone-aware': 'true' }, 'unknown-annotation', 'traffic-zone-aware'],
  [{ 'weir.dev/colour': 'blue' }, 'unknown-annotation', 'colour'],
  [{ 'weir.dev/balance': 'fair' }, 'invalid-annotation', 'balance'],
].map(([annotations, reason, field]) => ({
  name: `reported: ${Object.keys(annotations ?? {}).join()}`,
  annotations: annotations as Readonly<Record<string, string>>,
  reason: String(reason),
  field: String(field),
  exchanges: [{ status: 200, why: 'the rest of the Ingress is served' }],
}))

const other: readonly Row[] = [
  {
    name: 'a foreign family',
    annotations: { 'example.com/auth-url': 'x', 'kubernetes.io/description': 'y' },
    exchanges: [{ status: 200, why: 'keys of other families are nobody’s business' }],
  },
  {
    name: 'weir.dev has the last word',
    annotations: {
      [`${nginx}/proxy-body-size`]: '1k',
      'weir.dev/max-body-size': '2k',
      [`${nginx}/affinity`]: 'cookie',
      'weir.dev/affinity': 'none',
    },
    exchanges: [
      {
        method: 'POST',
        body: 'x'.repeat(2048),
        status: 200,
        gets: { 'set-cookie': [] },
        why: 'later families replace what earlier ones say',
      },
      { method: 'POST', body: 'x'.repeat(2049), status: 413, why: 'its own limit holds' },
    ],
  },
]

const rows: readonly Row[] = [
  ...sslRedirects,
  ...redirects,
  ...rewrites,
  ...headers,
  ...limits,
  ...access,
  ...closed,
  ...reported,
  ...other,
]

const hostOf = (row: Row) => `r${rows.indexOf(row)}.test`
const ingressFor = (row: Row): Ingress =>
  ingressOf(
    `r${rows.indexOf(row)}`,
    [
      {
        host: hostOf(row),
        path: row.path ?? '/',
        pathType: row.pathType ?? (row.path?.includes('(') ? 'ImplementationSpecific' : 'Prefix'),
        service: row.service ?? 'echo',
      },
    ],
    row.annotations,
  )

const proxyFlags = ['--trusted-proxies', '127.0.0.1/32', '--retries', '0']

/** Each request is made in both. */
const versions: readonly { readonly version: string; readonly askBy: AskBy }[] = [
  { version: 'HTTP/1.1', askBy: ask },
  { version: 'HTTP/2', askBy: askHttp2 },
]

async function setUp(t: Test, flags: readonly string[] = proxyFlags) {
  const echo = await startEcho('echo')
  const fields = await startScripted({
    onRequest: ({ target, method }) =>
      `HTTP/1.1 ${target === '/500' ? '500 No' : '200 OK'}\r\nServer: app\r\nX-Powered-By: PHP\r\nX-App: kept\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\n${method === 'HEAD' ? '' : 'ok'}`,
  })
  const folder = createManifestFolder([
    ...rows.map(ingressFor),
    ...serviceOf('echo', [echo]),
    ...serviceOf('fields', [fields]),
  ])
  const proxy = await startProxyProcess({ flags: ['--manifests', folder.path, '--h2c', ...flags] })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all([echo.close(), fields.close()])
    folder.dispose()
  })
  return { proxy, folder, echo }
}

function compare(t: Test, host: string, wanted: Exchange, response: RawResponse): void {
  t.equal(response.status, wanted.status, 'status')
  if (wanted.code !== undefined)
    t.match(response.body, new RegExp(`^${wanted.status} ${wanted.code}\n`))
  if (wanted.location !== undefined) {
    t.strictSame(fieldsOf(response, 'location'), [wanted.location.replace('HOST', host)])
  }
  for (const [name, values] of Object.entries(wanted.gets ?? {})) {
    t.strictSame(fieldsOf(response, name), values, `response field ${name}`)
  }
  if (wanted.target === undefined && wanted.sees === undefined) return
  const echo: Echo = readEcho(response.body)
  if (wanted.target !== undefined) t.equal(echo.path, wanted.target, 'target')
  for (const [name, values] of Object.entries(wanted.sees ?? {})) {
    t.strictSame(echoFields(echo, name), values, `request field ${name}`)
  }
}

t.test('policies by annotation', async (t) => {
  const { proxy } = await setUp(t)
  for (const row of rows) {
    await t.test(row.name, async (t) => {
      for (const exchange of row.exchanges) {
        const { method = 'GET', path = '/', why } = exchange
        await t.test(`${method} ${path}: ${why}`, async (t) => {
          const asked = { ...exchange, host: hostOf(row) }
          for (const { version, askBy } of versions) {
            const reason = askBy === askHttp2 ? whyNotHttp2(asked) : undefined
            if (reason === undefined)
              compare(t, hostOf(row), exchange, await askBy(proxy.port, asked))
            else t.pass(version, { skip: reason })
          }
        })
      }
    })
  }

  await t.test(
    'what is not understood is reported with its Ingress, field and remedy',
    async (t) => {
      const problems = await problemsOf(proxy.adminPort)
      for (const row of [...closed, ...reported]) {
        const own = problems.filter(({ name }) => name === `r${rows.indexOf(row)}`)
        t.equal(own.length, 1, `${row.name}: one problem`)
        t.match(own[0], { reason: row.reason, kind: 'Ingress', namespace: 'default' })
        t.ok(own[0]?.field.includes(row.field), `${own[0]?.field} names the key`)
        t.ok((own[0]?.message ?? '') !== '' && (own[0]?.remedy ?? '') !== '')
      }
      for (const reason of ['unknown-annotation', 'invalid-annotation']) {
        const listed = problems.filter((problem) => problem.reason === reason).length
        t.equal(await metric(proxy.adminPort, 'weir_route_problems', { reason }), listed)
      }
      const fine = rows.filter((row) => ![...closed, ...reported].some((bad) => bad === row))
      const names = new Set(fine.map((row) => `r${rows.indexOf(row)}`))
      const unexpected = problems.filter(
        ({ name, reason }) => names.has(name) && reason !== 'service-missing',
      )
      t.strictSame(unexpected, [], 'no Ingress that is right is reported')
    },
  )

  await t.test('redirects and refusals are in the access log by their code', async (t) => {
    const codes = () => new Set(proxy.accessLog().map(({ error }) => error))
    const wanted = ['redirect', 'access-denied', 'policy-closed', 'body-too-large', 'no-route']
    await until(
      'all codes',
      async () => codes(),
      (seen) => wanted.every((code) => seen.has(code)),
    )
    t.pass(wanted.join(', '))
  })
})

t.test('the PROXY header says who the client is and which port it came to', async (t) => {
  const flags = ['--proxy-protocol', 'required', '--proxy-protocol-from', '127.0.0.1/32']
  const { proxy } = await setUp(t, flags)
  const find = (name: string) => hostOf(rows.find((row) => row.name === name) ?? rows[0] ?? never())
  const allow = find('weir.dev/allow-source-ranges')
  const redirect = find('weir.dev/ssl-redirect')
  const table = [
    { host: allow, client: '10.1.2.3', port: 80, status: 200, why: 'its source may use the route' },
    { host: allow, client: '11.0.0.1', port: 80, status: 403, why: 'its source may not' },
    {
      host: allow,
      client: '11.0.0.1',
      port: 80,
      fields: client('10.1.2.3'),
      status: 403,
      why: 'X-Forwarded-For of a source that is not trusted is nothing',
    },
    { host: redirect, client: '10.1.2.3', port: 80, status: 308, why: 'port 80 is http' },
    { host: redirect, client: '10.1.2.3', port: 443, status: 200, why: 'port 443 is https' },
    {
      host: redirect,
      client: '10.1.2.3',
      port: 80,
      fields: https,
      status: 308,
      why: 'and no field of the client changes that',
    },
  ]
  for (const { why, status, host, client: from, port, fields } of table) {
    await t.test(why, async (t) => {
      const preface = `PROXY TCP4 ${from} 10.0.0.5 40001 ${port}\r\n`
      for (const { version, askBy } of versions) {
        const response = await askBy(proxy.port, { host, preface, ...(fields && { fields }) })
        t.equal(response.status, status, version)
      }
    })
  }
})

function never(): never {
  throw new Error('no such row')
}

t.test('time limits of a route', async (t) => {
  const silent = await startScripted({})
  // Reads the head and not one byte more.
  const deaf = await startScripted({ onConnection: ({ socket }) => socket.pause() })
  const halting = await startScripted({
    onRequest: () => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf',
  })
  // Answers after 10 ms and closes: each request connects anew.
  const brisk = await startScripted({
    onRequest: (_, side) => {
      setTimeout(() => {
        side.send('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
        side.socket.end()
      }, 10)
      return undefined
    },
  })
  const full = await startBlackhole()
  const ingress = (name: string, service: string, key: string, value: string) =>
    ingressOf(name, [{ host: `${name}.test`, service }], { [key]: value })
  const folder = createManifestFolder([
    ingress('read', 'silent', 'weir.dev/read-timeout', '300ms'),
    ingress('nginx-read', 'silent', `${nginx}/proxy-read-timeout`, '1'),
    ingress('send', 'deaf', 'weir.dev/send-timeout', '300ms'),
    ingress('between', 'halting', 'weir.dev/read-timeout', '300ms'),
    ingressOf('hasty', [{ host: 'hasty.test', service: 'brisk' }], {
      'weir.dev/read-timeout': '50ms',
      'weir.dev/connect-timeout': '50ms',
    }),
    ...serviceOf('brisk', [brisk]),
    ingress('connect', 'full', 'weir.dev/connect-timeout', '300ms'),
    ...serviceOf('silent', [silent]),
    ...serviceOf('deaf', [deaf]),
    ...serviceOf('halting', [halting]),
    ...serviceOf('full', [full]),
  ])
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, '--retries', '0', '--h2c'],
  })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all([silent, deaf, halting, brisk, full].map((upstream) => upstream.close()))
    folder.dispose()
  })

  const slow = [
    { host: 'read.test', timeoutMs: 300, code: 'response-timeout', why: 'no response head' },
    { host: 'nginx-read.test', timeoutMs: 1000, code: 'response-timeout', why: 'seconds of nginx' },
    { host: 'connect.test', timeoutMs: 300, code: 'connect-timeout', why: 'no connection' },
    {
      host: 'send.test',
      body: 'x'.repeat(32 << 20),
      timeoutMs: 300,
      code: 'response-timeout',
      why: 'the upstream takes no byte of the body',
    },
  ]
  for (const { host, timeoutMs, code, body, why } of slow) {
    await t.test(`${host}: ${why}`, async (t) => {
      const method = body === undefined ? 'GET' : 'POST'
      const inTime = async ({ version, askBy }: (typeof versions)[number]) => {
        const startedAt = performance.now()
        const response = await askBy(proxy.port, { host, method, ...(body && { body }) })
        t.equal(response.status, 504, version)
        t.match(response.body, `504 ${code}\n`)
        t.ok(performance.now() - startedAt >= timeoutMs - 5, 'not before its time')
      }
      await Promise.all(versions.map(inTime))
    })
  }

  await t.test(
    'a limit below the tick of all deadlines ends nothing that is in time',
    async (t) => {
      for (let i = 0; i < 40; i += 1) {
        const response = await ask(proxy.port, {
          host: 'hasty.test',
          fields: ['Connection: close'],
        })
        t.equal(response.status, 200)
      }
    },
  )

  await t.test('between two reads of a body: the cut is visible', async (t) => {
    const raw = await connectRaw(proxy.port)
    raw.send('GET / HTTP/1.1\r\nHost: between.test\r\n\r\n')
    const head = await raw.head()
    t.equal(head.status, 200)
    await raw.whenEnded()
    t.notOk(head.complete)
    raw.close()
  })
})

t.test('cookie affinity', async (t) => {
  const echoes = await Promise.all(['one', 'two', 'three'].map((name) => startEcho(name)))
  const sticky = (name: string, annotations: Readonly<Record<string, string>>, path = '/') =>
    ingressOf(name, [{ host: `${name}.test`, path, service: 'web' }], annotations)
  const objects = [
    sticky('weir', { 'weir.dev/affinity': 'cookie' }),
    sticky('path', { 'weir.dev/affinity': 'cookie' }, '/shop'),
    sticky('full', {
      'weir.dev/affinity': 'cookie',
      'weir.dev/affinity-cookie-name': 'stick',
      'weir.dev/affinity-cookie-path': '/all',
      'weir.dev/affinity-cookie-max-age': '3600',
      'weir.dev/affinity-cookie-same-site': 'Lax',
      'weir.dev/affinity-cookie-secure': 'true',
    }),
    sticky('nginx', { [`${nginx}/affinity`]: 'cookie' }),
    sticky('route', {
      [`${nginx}/affinity`]: 'cookie',
      [`${nginx}/session-cookie-name`]: 'route',
      [`${nginx}/session-cookie-expires`]: '172800',
      [`${nginx}/session-cookie-max-age`]: '60',
      [`${nginx}/session-cookie-samesite`]: 'None',
    }),
  ]
  const folder = createManifestFolder(objects)
  folder.write('web.json', serviceOf('web', echoes))
  const proxy = await startProxyProcess({
    flags: ['--manifests', folder.path, '--trusted-proxies', '127.0.0.1/32', '--h2c'],
  })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all(echoes.map((echo) => echo.close()))
    folder.dispose()
  })
  const visit = async (
    host: string,
    cookies: readonly string[] = [],
    path = '/',
    askBy: AskBy = ask,
  ) => {
    const fields = cookies.map((cookie) => `Cookie: ${cookie}`)
    const response = await askBy(proxy.port, { host, path, fields })
    return { service: readEcho(response.body).service, set: fieldsOf(response, 'set-cookie') }
  }

  const attributes = [
    { host: 'weir.test', form: /^weir=[0-9a-f]{16}; Path=\/; HttpOnly$/, why: 'a session cookie' },
    {
      host: 'path.test',
      path: '/shop/x',
      form: /^weir=[0-9a-f]{16}; Path=\/shop; HttpOnly$/,
      why: 'the path of the rule',
    },
    {
      host: 'full.test',
      form: /^stick=[0-9a-f]{16}; Path=\/all; Max-Age=3600; HttpOnly; Secure; SameSite=Lax$/,
      why: 'all that can be said',
    },
    {
      host: 'nginx.test',
      form: /^INGRESSCOOKIE=[0-9a-f]{16}; Path=\/; HttpOnly$/,
      why: 'nginx’s default name',
    },
    {
      host: 'route.test',
      form: /^route=[0-9a-f]{16}; Path=\/; Max-Age=60; Expires=[^;]+ GMT; HttpOnly; Secure; SameSite=None$/,
      why: 'max-age before expires, which says the same for old browsers; None needs Secure',
    },
  ]
  for (const { host, path, form, why } of attributes) {
    await t.test(`${host}: ${why}`, async (t) => {
      for (const { version, askBy } of versions) {
        const { set } = await visit(host, [], path, askBy)
        t.equal(set.length, 1, version)
        t.match(set[0], form)
      }
    })
  }

  await t.test('a client with its cookie comes back; one without is spread', async (t) => {
    const first = await visit('weir.test')
    const cookie = (first.set[0] ?? '').split(';')[0] ?? ''
    for (const cookies of [
      [cookie],
      [`a=b; ${cookie}; c=d`],
      ['a=b', cookie],
      [cookie],
      [`xweir=0123456789abcdef; ${cookie}`],
    ]) {
      for (const { version, askBy } of versions) {
        const again = await visit('weir.test', cookies, '/', askBy)
        t.equal(again.service, first.service, `${cookies.join(' | ')}, ${version}`)
        t.strictSame(again.set, [], 'the cookie holds: none is set')
      }
    }
    const services = new Set<string>()
    for (let i = 0; i < 6; i += 1) services.add((await visit('weir.test')).service)
    t.equal(services.size, 3, 'round robin without a cookie')
  })

  await t.test('a cookie that names nobody is replaced', async (t) => {
    for (const cookie of [
      'weir=0000000000000000',
      'weir=',
      'weir=%00',
      `weir=${'x'.repeat(4000)}`,
    ]) {
      t.equal((await visit('weir.test', [cookie])).set.length, 1, cookie.slice(0, 30))
    }
  })

  await t.test('when its endpoint goes the client moves, once, and stays there', async (t) => {
    const first = await visit('weir.test')
    const cookie = (first.set[0] ?? '').split(';')[0] ?? ''
    const left = echoes.filter((_, at) => ['one', 'two', 'three'][at] !== first.service)
    folder.write('web.json', serviceOf('web', left))
    const moved = await until(
      'the client moves',
      () => visit('weir.test', [cookie]),
      ({ service }) => service !== first.service,
    )
    t.equal(moved.set.length, 1, 'with a new cookie')
    const next = (moved.set[0] ?? '').split(';')[0] ?? ''
    t.not(next, cookie)
    for (let i = 0; i < 3; i += 1) {
      t.match(await visit('weir.test', [next]), { service: moved.service, set: [] })
    }
  })
})

for (const [key, value] of [
  ['weir.dev/balance', 'least-requests'],
  ['zalando.org/skipper-loadbalancer', 'leastRequests'],
] as const) {
  t.test(`${key}: ${value} passes by the endpoint that is busy`, async (t) => {
    const busy = await startScripted({})
    const free = await startEcho('free')
    const folder = createManifestFolder([
      ingressOf('least', [{ host: 'least.test', service: 'web' }], { [key]: value }),
      ingressOf('robin', [{ host: 'robin.test', service: 'web' }]),
      ...serviceOf('web', [busy, free]),
    ])
    const proxy = await startProxyProcess({ flags: ['--manifests', folder.path] })
    // Round robin brings one of two to the busy endpoint, which keeps it.
    const held = await Promise.all([connectRaw(proxy.port), connectRaw(proxy.port)])
    t.teardown(async () => {
      for (const raw of held) raw.close()
      await proxy.stop()
      await Promise.all([busy.close(), free.close()])
      folder.dispose()
    })
    for (const raw of held) raw.send('GET / HTTP/1.1\r\nHost: robin.test\r\n\r\n')
    await until(
      'one is held',
      async () => busy.requests.length,
      (count) => count === 1,
    )
    await until(
      'one is served',
      async () => free.requests.length,
      (count) => count === 1,
    )
    for (let i = 0; i < 20; i += 1) {
      t.equal((await ask(proxy.port, { host: 'least.test' })).status, 200)
    }
    t.equal(busy.requests.length, 1)
  })
}

t.test('a mended Ingress opens, and its problem goes', async (t) => {
  const echo = await startEcho('echo')
  const guarded = (value: string) => [
    ingressOf('g', [{ host: 'g.test', service: 'echo' }], {
      [`${nginx}/whitelist-source-range`]: value,
    }),
    ...serviceOf('echo', [echo]),
  ]
  const folder = createManifestFolder(guarded('10.0.0.0/33'))
  const proxy = await startProxyProcess({ flags: ['--manifests', folder.path] })
  t.teardown(async () => {
    await proxy.stop()
    await echo.close()
    folder.dispose()
  })
  t.equal((await ask(proxy.port, { host: 'g.test' })).status, 503)
  folder.write('objects.json', guarded('127.0.0.0/8'))
  await until(
    'the route opens',
    () => ask(proxy.port, { host: 'g.test' }),
    ({ status }) => status === 200,
  )
  t.strictSame(await problemsOf(proxy.adminPort), [])
  const told = proxy.logs.filter(({ msg }) => msg === 'problem').length
  t.equal(told, 1, 'logged once')
  t.equal(proxy.logs.filter(({ msg }) => msg === 'problem solved').length, 1)
  t.equal(await metric(proxy.adminPort, 'weir_route_problems', { reason: 'invalid-annotation' }), 0)
})
