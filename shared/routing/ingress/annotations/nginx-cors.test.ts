import t from 'tap'
import { readAnnotations } from './read.ts'

const methods = ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS']
const headers =
  'DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization'
const all = {
  kind: 'cors',
  origins: ['*'],
  labels: 'one',
  methods,
  headers: headers.split(','),
  exposed: [],
  credentials: true,
  maxAgeSeconds: 1_728_000,
  isEager: true,
}

const on = { 'enable-cors': 'true' }

const rows: {
  given: Record<string, string>
  /** Undefined: no CORS. */
  is?: object
  problems?: readonly RegExp[]
  why: string
}[] = [
  { given: on, is: {}, why: 'all of the defaults' },
  { given: { 'enable-cors': 'yes' }, problems: [/"true" or "false"/], why: 'no bool is off' },
  { given: { 'enable-cors': 'false', 'cors-max-age': '1' }, why: 'off is off' },
  { given: { 'cors-allow-origin': 'https://b.test' }, why: 'nobody turned it on' },
  {
    given: { ...on, 'cors-allow-origin': 'https://B.test, http://*.c.test:8080' },
    is: { origins: ['https://b.test', 'http://*.c.test:8080'] },
    why: 'several origins',
  },
  {
    given: { ...on, 'cors-allow-origin': 'capacitor://localhost,null' },
    is: { origins: ['capacitor://localhost', 'null'] },
    why: 'schemes of applications, and documents without an origin',
  },
  {
    given: { ...on, 'cors-allow-origin': '*, foo.bar.com' },
    is: { origins: ['*'] },
    problems: [/lists what is left out: 'foo\.bar\.com' is no origin/],
    why: 'a star beside others is a star',
  },
  {
    given: { ...on, 'cors-allow-origin': 'https://b.test, c.test' },
    is: { origins: ['https://b.test'] },
    problems: [/left out: 'c\.test'/],
    why: 'what is no origin is left out: it must not open the route to all',
  },
  {
    given: { ...on, 'cors-allow-origin': 'c.test', 'cors-max-age': '5' },
    problems: [/left out/],
    why: 'nobody is left who may read',
  },
  {
    given: { ...on, 'cors-allow-origin': 'https://b.test$pid' },
    is: {},
    problems: [/list of origins/],
    why: 'a text that its parser refused was an absent one',
  },
  { given: { ...on, 'cors-allow-origin': '      ' }, is: {}, why: 'only spaces are none' },
  {
    given: { ...on, 'cors-allow-methods': 'POST, get' },
    is: { methods: ['POST', 'get'] },
    why: 'methods as they are written',
  },
  {
    given: { ...on, 'cors-allow-headers': 'X-A, x_b', 'cors-expose-headers': '*, X-C' },
    is: { headers: ['X-A', 'x_b'], exposed: ['*', 'X-C'] },
    why: 'names as they are written',
  },
  {
    given: { ...on, 'cors-allow-credentials': 'false', 'cors-max-age': '-1' },
    is: { credentials: false, maxAgeSeconds: -1 },
    why: 'no credentials, nothing kept',
  },
  {
    given: {
      ...on,
      'cors-allow-headers': '@alright, #ingress',
      'cors-allow-credentials': 'no',
      'cors-allow-methods': 'GET, PATCH, $nginx',
      'cors-expose-headers': '@alright, #ingress',
      'cors-max-age': 'abcd',
    },
    is: {},
    problems: [/methods/, /headers/, /expose/, /credentials/, /max-age/],
    why: 'what cannot be read is the default',
  },
]

for (const { given, is, problems = [], why } of rows) {
  t.test(`${JSON.stringify(given)}: ${why}`, async (t) => {
    const annotations = Object.fromEntries(
      Object.entries(given).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
    )
    const reading = readAnnotations({ metadata: { namespace: 'shop', name: 'web', annotations } })
    const { filters, backend } = reading.termsFor('/', 'Prefix')
    t.strictSame(filters, is === undefined ? [] : [{ ...all, ...is }])
    t.strictSame(backend, {}, 'no bad value closes the route')
    t.equal(reading.problems.length, problems.length)
    for (const [at, pattern] of problems.entries()) {
      const { field = '', message = '' } = reading.problems[at] ?? {}
      t.match(`${field} ${message}`, pattern)
    }
  })
}

t.test('keys of one’s own change what nginx’s have asked for', async (t) => {
  const annotations = {
    'nginx.ingress.kubernetes.io/enable-cors': 'true',
    'weir.dev/cors-origins': 'https://b.test',
  }
  const { termsFor } = readAnnotations({ metadata: { annotations } })
  t.strictSame(termsFor('/', 'Prefix').filters, [{ ...all, origins: ['https://b.test'] }])
})
