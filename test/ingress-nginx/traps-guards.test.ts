// Do the surprises of ingress-nginx's guards, limits, canaries and error pages come back as they were? One row for each trap.
import t from 'tap'
import { playTraps, type Trap } from './play-traps.ts'

const server = 'http://auth.default.svc.cluster.local'
// htpasswd's own line for ann with the password `secret`, as SHA-1.
const users = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'users', namespace: 'default' },
  ...{ stringData: { auth: 'ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=' } },
}
const basic = { 'auth-type': 'basic', 'auth-secret': 'users' }
const ann = `Authorization: Basic ${Buffer.from('ann:secret').toString('base64')}`
const origin = (name: string) => `Origin: https://${name}`
const preflight = 'Access-Control-Request-Method: PUT'
const oneOff = { 'limit-rpm': '1', 'limit-burst-multiplier': '1' }
const say = (service: string, answer: string) => `X-Say-${service}: ${answer}`

const traps: readonly Trap[] = [
  {
    trap: 'OPTIONS of an allowed origin is answered before authentication, that of a stranger is authenticated',
    sites: [
      {
        name: 'cors',
        rules: ['cors.test / web'],
        keys: { ...basic, 'enable-cors': 'true', 'cors-allow-origin': 'https://app.test' },
      },
    ],
    objects: [users],
    exchanges: [
      {
        url: 'cors.test/',
        method: 'OPTIONS',
        fields: [origin('app.test'), preflight],
        status: 204,
        back: { 'access-control-allow-origin': 'https://app.test' },
        why: 'a preflight has no password',
      },
      {
        url: 'cors.test/',
        method: 'OPTIONS',
        fields: [origin('evil.test'), preflight],
        status: 401,
        back: { 'access-control-allow-origin': undefined },
        why: 'a stranger asks for one',
      },
      {
        url: 'cors.test/',
        method: 'OPTIONS',
        fields: [origin('evil.test'), preflight, ann],
        status: 200,
        by: 'web',
        why: 'and with one is proxied',
      },
    ],
  },
  {
    trap: 'an allow list of an Ingress takes the place of the ConfigMap’s',
    config: { 'whitelist-source-range': '198.51.100.0/24' },
    sites: [
      { name: 'plain', rules: ['plain.test / web'] },
      {
        name: 'own',
        rules: ['own.test / web'],
        keys: { 'whitelist-source-range': '192.0.2.0/24' },
      },
    ],
    exchanges: [
      { url: 'plain.test/', status: 403, why: 'the ConfigMap’s list' },
      {
        url: 'plain.test/',
        fields: ['X-Forwarded-For: 198.51.100.1'],
        status: 200,
        why: 'who is on it',
      },
      {
        url: 'own.test/',
        fields: ['X-Forwarded-For: 192.0.2.1'],
        status: 200,
        why: 'the own list alone counts',
      },
      {
        url: 'own.test/',
        fields: ['X-Forwarded-For: 198.51.100.1'],
        status: 403,
        why: 'and is not merged',
      },
    ],
  },
  {
    trap: 'a list of addresses that cannot be read closes the route instead of opening it',
    sites: [
      {
        name: 'unread',
        rules: ['unread.test / web'],
        keys: { 'whitelist-source-range': '10.0.0.0/8, office' },
      },
      {
        name: 'undenied',
        rules: ['undenied.test / web'],
        keys: { 'denylist-source-range': '10.0.0.0/99' },
      },
      { name: 'beside', rules: ['beside.test / web'] },
    ],
    exchanges: [
      { url: 'unread.test/', status: 503, says: 'policy-closed', why: 'nobody is let in' },
      { url: 'undenied.test/', status: 503, says: 'policy-closed', why: 'a deny list, too' },
      { url: 'beside.test/', status: 200, why: 'others are served' },
    ],
  },
  {
    trap: 'what the authentication server says beside 2xx, 401 and 403 is 500',
    sites: [{ name: 'auth', rules: ['auth.test / web'], keys: { 'auth-url': `${server}/ask` } }],
    exchanges: [
      ['200 OK', 200],
      ['204 No Content', 200],
      ['401 Unauthorized', 401],
      ['403 Forbidden', 403],
      ['302 Found | Location: http://x.test', 500],
      ['404 Not Found', 500],
      ['500 Internal Server Error', 500],
      ['503 Service Unavailable', 500],
    ].map(([answer, status]) => ({
      url: 'auth.test/x',
      fields: [say('auth', `${answer}`)],
      status: Number(status),
      why: `the server says ${answer}`,
    })),
  },
  {
    trap: 'auth-response-headers that the answer does not have clear those of the client',
    sites: [
      {
        name: 'claims',
        rules: ['claims.test / web'],
        keys: { 'auth-url': `${server}/ask`, 'auth-response-headers': 'X-User, X-Groups' },
      },
    ],
    exchanges: [
      {
        url: 'claims.test/',
        fields: [say('auth', '200 OK | X-User: ann'), 'X-User: root', 'X-Groups: admins'],
        status: 200,
        up: { 'x-user': 'ann', 'x-groups': undefined },
        why: 'a client must not say who it is',
      },
    ],
  },
  {
    trap: 'basic authentication takes Authorization away, auth-url does not',
    sites: [
      { name: 'basic', rules: ['basic.test / web'], keys: basic },
      { name: 'asked', rules: ['asked.test / web'], keys: { 'auth-url': `${server}/ask` } },
    ],
    objects: [users],
    exchanges: [
      {
        url: 'basic.test/',
        fields: [ann],
        status: 200,
        up: { authorization: undefined },
        why: 'the password was for the proxy',
      },
      {
        url: 'asked.test/',
        fields: [ann],
        status: 200,
        up: { authorization: ann.slice('Authorization: '.length) },
        asked: {
          service: 'auth',
          fields: { authorization: ann.slice('Authorization: '.length) },
          target: '/ask',
        },
        why: 'here the application may want it, too',
      },
    ],
  },
  {
    trap: 'a limit counts for an Ingress, not for a path or host',
    sites: [
      { name: 'limited', rules: ['one.test /a web', 'two.test /b web'], keys: oneOff },
      { name: 'limited-too', rules: ['one.test /c web'], keys: oneOff },
    ],
    exchanges: [
      { url: 'one.test/a', status: 200, why: 'the first' },
      { url: 'two.test/b', status: 200, why: 'the burst' },
      { url: 'one.test/a', status: 503, why: 'another host and path is the same account' },
      { url: 'one.test/c', status: 200, why: 'another Ingress is another one' },
    ],
  },
  {
    trap: 'limit-connections counts requests in progress, not connections',
    sites: [{ name: 'busy', rules: ['busy.test / web'], keys: { 'limit-connections': '1' } }],
    exchanges: [
      { url: 'busy.test/', status: 200, why: 'one after the other' },
      { url: 'busy.test/', status: 200, why: 'as many as you like' },
    ],
  },
  {
    trap: 'a canary-weight-total below 100 is 100; with a header value always and never mean nothing',
    sites: [
      { name: 'main', rules: ['canary.test / web'] },
      {
        name: 'weighed',
        rules: ['canary.test / other'],
        keys: { canary: 'true', 'canary-weight': '100', 'canary-weight-total': '50' },
      },
      { name: 'main-value', rules: ['value.test / web'] },
      {
        name: 'valued',
        rules: ['value.test / other'],
        keys: {
          canary: 'true',
          ...{ 'canary-by-header': 'X-Canary', 'canary-by-header-value': 'yes' },
        },
      },
    ],
    exchanges: [
      { url: 'canary.test/', status: 200, by: 'other', why: '100 of 100, not 100 of 50' },
      {
        url: 'value.test/',
        fields: ['X-Canary: yes'],
        status: 200,
        by: 'other',
        why: 'the value',
      },
      {
        url: 'value.test/',
        fields: ['X-Canary: always'],
        status: 200,
        by: 'web',
        why: 'always is just another text',
      },
    ],
  },
  {
    trap: 'custom-http-errors gives the status of the page’s Service, even 200',
    sites: [
      {
        name: 'errors',
        rules: ['errors.test / web'],
        keys: { 'custom-http-errors': '404,503', 'default-backend': 'pages' },
      },
    ],
    exchanges: [
      {
        url: 'errors.test/gone?a=b',
        fields: [say('web', '404 Not Found')],
        status: 200,
        by: 'pages',
        target: '/?a=b',
        up: {
          ...{ 'x-code': '404', 'x-original-uri': '/gone?a=b', 'x-namespace': 'default' },
          ...{ 'x-ingress-name': 'errors', 'x-service-name': 'web', 'x-service-port': '80' },
        },
        why: 'the Service says 200, and so does the client’s answer',
      },
      {
        url: 'errors.test/',
        fields: [say('web', '503 Service Unavailable'), say('pages', '503 Service Unavailable')],
        status: 503,
        by: 'pages',
        why: 'it may say what it was',
      },
      {
        url: 'errors.test/',
        fields: [say('web', '500 Internal Server Error')],
        status: 500,
        by: 'web',
        why: 'what is not listed stays',
      },
    ],
  },
]

t.test('traps of guards, limits, canaries and error pages', (t) =>
  playTraps(t, ['web', 'other', 'auth', 'pages'], traps),
)
