// Do the surprises of ingress-nginx's header fields come back as they were? One row for each trap.
import t from 'tap'
import { send } from './exchange.ts'
import { playTraps, type Trap } from './play-traps.ts'

const https = ['X-Forwarded-Proto: https']
const chain = 'X-Forwarded-For: 198.51.100.7, 203.0.113.9'
const say = (answer: string) => `X-Say-web: ${answer}`
const isThere = /./

const traps: readonly Trap[] = [
  {
    trap: 'HSTS and Secure go by the scheme of the client: behind a load balancer ingress-nginx sends neither',
    sites: [
      {
        name: 'hsts',
        rules: ['hsts.test / web'],
        tls: ['hsts.test'],
        keys: { 'ssl-redirect': 'false', affinity: 'cookie' },
      },
    ],
    exchanges: [
      {
        url: 'hsts.test/',
        fields: https,
        status: 200,
        back: {
          'strict-transport-security': 'max-age=31536000; includeSubDomains',
          'set-cookie': /; Secure/i,
        },
        why: 'differs on purpose: the load balancer did TLS',
      },
      {
        url: 'hsts.test/',
        status: 200,
        back: { 'strict-transport-security': undefined, 'set-cookie': /^(?!.*Secure)/i },
        why: 'on http neither',
      },
    ],
  },
  {
    trap: 'X-Forwarded-For is the client alone, and what came is X-Original-Forwarded-For',
    config: { 'use-forwarded-headers': 'true', 'proxy-real-ip-cidr': '127.0.0.0/8' },
    sites: [{ name: 'alone', rules: ['alone.test / web'] }],
    exchanges: [
      {
        url: 'alone.test/',
        fields: [chain],
        status: 200,
        up: {
          'x-forwarded-for': '203.0.113.9',
          'x-real-ip': '203.0.113.9',
          'x-original-forwarded-for': '198.51.100.7, 203.0.113.9',
        },
        why: 'replaced',
      },
      {
        url: 'alone.test/',
        status: 200,
        up: { 'x-forwarded-for': '127.0.0.1', 'x-original-forwarded-for': undefined },
        why: 'nothing came',
      },
    ],
  },
  {
    trap: 'with use-forwarded-headers and no proxy-real-ip-cidr everybody is believed: the left-most address is the client’s',
    config: { 'use-forwarded-headers': 'true' },
    sites: [{ name: 'everybody', rules: ['everybody.test / web'] }],
    exchanges: [
      {
        url: 'everybody.test/',
        from: '127.0.0.2',
        fields: [chain],
        status: 200,
        up: { 'x-forwarded-for': '198.51.100.7' },
        why: 'any client can choose its address: set proxy-real-ip-cidr',
      },
    ],
  },
  {
    trap: 'X-Forwarded-For is appended to with compute-full-forwarded-for',
    config: { 'use-forwarded-headers': 'true', 'compute-full-forwarded-for': 'true' },
    sites: [{ name: 'full', rules: ['full.test / web'] }],
    exchanges: [
      {
        url: 'full.test/',
        fields: [chain],
        status: 200,
        up: { 'x-forwarded-for': '198.51.100.7, 203.0.113.9, 127.0.0.1' },
        why: 'appended',
      },
    ],
  },
  {
    trap: 'field names with an underscore are dropped, and Proxy is',
    sites: [{ name: 'names', rules: ['names.test / web'] }],
    exchanges: [
      {
        url: 'names.test/',
        fields: ['X_User: root', 'X-User: ann', 'Proxy: http://evil.test'],
        status: 200,
        up: { x_user: undefined, 'x-user': 'ann', proxy: undefined },
        why: 'a CGI-like server reads X_User as X-User',
      },
    ],
  },
  {
    trap: 'the Server field of the application is removed, and none is put in its place',
    sites: [{ name: 'server', rules: ['server.test / web'] }],
    exchanges: [
      {
        url: 'server.test/',
        fields: [say('200 OK | Server: application/1.0')],
        status: 200,
        back: { server: undefined },
        why: 'server-tokens and allow-backend-server-header are off',
      },
    ],
  },
  {
    trap: 'an answer in HTTP/1.0 ends its connection, and the client gets it whole',
    sites: [{ name: 'old', rules: ['old.test / old'] }],
    exchanges: [1, 2].map((each) => ({
      url: 'old.test/',
      fields: ['X-Say-old: HTTP/1.0 200 OK'],
      status: 200,
      by: 'old',
      why: `request ${each}`,
    })),
    also: async (t, stage) => {
      t.equal(stage.application('old').connectionCount, 2, 'none was used again')
    },
  },
  {
    trap: 'upstreams are told of scheme, host, port and request by ingress-nginx’s own names',
    sites: [{ name: 'told', rules: ['told.test / web'] }],
    exchanges: [
      {
        url: 'told.test/x',
        fields: [...https, 'X-Request-ID: abc'],
        status: 200,
        up: {
          ...{ 'x-scheme': 'https', 'x-forwarded-scheme': 'https', 'x-forwarded-proto': 'https' },
          ...{ 'x-forwarded-host': 'told.test', 'x-forwarded-port': isThere },
          ...{ 'x-real-ip': isThere, 'x-request-id': 'abc', 'x-original-uri': undefined },
        },
        why: 'the id of the client is kept',
      },
    ],
  },
  {
    trap: 'a field of the application that ingress-nginx sets itself is replaced, not doubled',
    sites: [
      {
        name: 'double',
        rules: ['double.test / web'],
        tls: ['double.test'],
        keys: { 'enable-cors': 'true', 'cors-allow-origin': 'https://app.test' },
      },
    ],
    exchanges: [
      {
        url: 'double.test/',
        fields: [
          ...https,
          'Origin: https://app.test',
          say('200 OK | Access-Control-Allow-Origin: * | Strict-Transport-Security: max-age=1'),
        ],
        status: 200,
        back: {
          'access-control-allow-origin': 'https://app.test',
          'strict-transport-security': 'max-age=31536000; includeSubDomains',
        },
        why: 'one line each',
      },
    ],
  },
  {
    trap: 'a peer that nobody trusts says nothing about the client',
    sites: [{ name: 'stranger', rules: ['stranger.test / web'] }],
    exchanges: [
      {
        url: 'stranger.test/',
        from: '127.0.0.2',
        fields: [...https, 'X-Forwarded-For: 198.51.100.7', 'X-Forwarded-Host: evil.test'],
        status: 200,
        up: {
          ...{ 'x-forwarded-proto': 'http', 'x-forwarded-for': '127.0.0.2' },
          'x-forwarded-host': 'stranger.test',
        },
        why: 'ingress-nginx believes X-Forwarded-Host of anybody; Weir does not',
      },
    ],
    also: async (t, stage) => {
      const answer = await send(stage, { url: 'stranger.test/', from: '127.0.0.2' })
      t.equal(answer.status, 200)
    },
  },
]

t.test('traps of header fields', (t) => playTraps(t, ['web', 'old'], traps))
