// How are the URLs and times read that ingress-nginx has for authentication servers?
import t from 'tap'
import { compileText } from '../../request-text.ts'
import { requestView } from '../../testing/filter-stage.ts'
import { parseAuthTarget, parseCacheRules, parseSignIn, placeOf } from './auth-texts.ts'

const request = requestView({
  scheme: 'https',
  host: 'a.test',
  authority: 'a.test:8443',
  path: '/x y',
  query: '?q=(1)&r=%2F',
  fields: { 'X-To': 'there', Cookie: 'sid=7' },
})

const urls = [
  {
    text: 'http://auth.shop.svc.cluster.local',
    key: 'shop/auth:80',
    host: 'auth.shop.svc.cluster.local',
    target: '/',
  },
  {
    text: 'http://auth.shop.svc.cluster.local:4180/v?a=$http_x_to',
    key: 'shop/auth:4180',
    host: 'auth.shop.svc.cluster.local',
    target: '/v?a=there',
  },
  {
    text: 'http://auth.other.svc.cluster.local/',
    key: 'http://auth.other.svc.cluster.local:80',
    host: 'auth.other.svc.cluster.local',
    target: '/',
  },
  {
    text: 'https://login.test:8443?x=$cookie_sid',
    key: 'https://login.test:8443',
    host: 'login.test',
    target: '/?x=7',
  },
  {
    text: 'http://10.1.2.3:81/$request_method',
    key: 'http://10.1.2.3:81',
    host: '10.1.2.3',
    target: '/GET',
  },
  {
    text: 'http://[2001:db8::1]/',
    key: 'http://[2001:db8::1]:80',
    host: '[2001:db8::1]',
    target: '/',
  },
  { text: 'https://$host/oauth2/auth', key: undefined, host: undefined, target: '/oauth2/auth' },
  { text: '$scheme://${http_host}/a', key: undefined, host: undefined, target: '/a' },
  {
    text: 'http://login.test$request_uri',
    key: 'http://login.test:80',
    host: 'login.test',
    target: '/x y?q=(1)&r=%2F',
  },
] as const

for (const { text, key, host, target } of urls) {
  t.test(`${text} is understood`, async (t) => {
    const result = parseAuthTarget(text)
    if (!result.ok) {
      t.fail(result.reason)
      return
    }
    const place = placeOf(result.value, 'shop')
    t.equal(place.service?.key, key)
    t.equal(place.host, host)
    t.equal(compileText(place.target)(request), target)
  })
}

const noUrls = [
  'auth.test/x',
  'ftp://auth.test/',
  'https://invalid..auth.url',
  'http://$host.test/',
  'http://$host:8080/',
  'http://$http_x_to/',
  'http://auth.$host/',
  'http://auth.test$args',
  'http://user:secret@auth.test/',
  'http://auth.test/#x',
  'http://auth.test/a b',
  'http://auth.test/$nothing',
  'http://auth.test/$namespace',
  'http://auth.test/$',
  '$scheme://auth.test/',
  'https://auth.shop.svc.cluster.local/',
  'http://auth.test:99999/',
  'http://127.1.svc/\r\nX: y',
]

for (const text of noUrls) {
  t.test(`${JSON.stringify(text)} is refused`, async (t) => t.notOk(parseAuthTarget(text).ok))
}

const back = 'https://a.test:8443%2Fx%20y%3Fq%3D%281%29%26r%3D%252F'
const signIns = [
  { text: 'https://l.test/in', is: `https://l.test/in?rd=${back}`, why: 'the way back is added' },
  { text: 'https://l.test/in?a=1', is: `https://l.test/in?a=1&rd=${back}`, why: 'to a query' },
  {
    text: 'https://l.test/in?rd=/home',
    is: 'https://l.test/in?rd=/home',
    why: 'unless it is there',
  },
  { text: 'https://l.test/in?rd=', is: `https://l.test/in?rd=&rd=${back}`, why: 'and not empty' },
  {
    text: 'https://$host/in?rd=$escaped_request_uri',
    is: 'https://a.test/in?rd=%2Fx%20y%3Fq%3D%281%29%26r%3D%252F',
    why: 'as oauth2-proxy has it',
  },
  { text: '/in', is: `https://a.test/in?rd=${back}`, why: 'a path' },
]

for (const { text, is, why } of signIns) {
  t.test(`${text} leads to ${is}: ${why}`, async (t) => {
    const result = parseSignIn(text, 'rd')
    t.equal(result.ok && compileText(result.value)(request), is)
  })
}

for (const text of [
  '',
  'login',
  '//l.test/',
  'javascript:alert(1)',
  'https://l.test/ x',
  'https://l.test/$x',
]) {
  t.test(`${JSON.stringify(text)} leads nowhere`, async (t) => t.notOk(parseSignIn(text, 'rd').ok))
}

const rules = [
  {
    text: '200 202 10m, 401 5m',
    is: [
      [[200, 202], 600_000],
      [[401], 300_000],
    ],
  },
  { text: '5m', is: [[[200, 301, 302], 300_000]] },
  { text: 'any 30s', is: [[[], 30_000]] },
  { text: '200 100ms,', is: [[[200], 100]] },
  { text: '200 1d', is: [[[200], 86_400_000]] },
]

for (const { text, is } of rules) {
  t.test(`${text} is understood`, async (t) => {
    const result = parseCacheRules(text)
    t.same(result.ok && result.value.map(({ statuses, ms }) => [statuses, ms]), is)
  })
}

for (const text of ['200', 'for ever', '200 x 5m', '5m 200', '200 5parsecs', '999 5m']) {
  t.test(`${text} is no rule`, async (t) => t.notOk(parseCacheRules(text).ok))
}
