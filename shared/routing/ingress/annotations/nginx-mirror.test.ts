import t from 'tap'
import { readAnnotations } from './read.ts'

const rows: {
  given: Record<string, string>
  /** Undefined: no copies. */
  is?: object
  problem?: RegExp
  why: string
}[] = [
  {
    given: { 'mirror-target': 'http://side.shop.svc:8080/copy' },
    is: { to: { key: 'shop/side:8080' }, path: '/copy', authority: 'side.shop.svc' },
    why: 'a Service of the namespace, asked for by its name without the port',
  },
  {
    given: { 'mirror-target': 'https://c.test/$request_uri' },
    is: { to: { key: 'https://c.test:443' }, path: '/', sendsUri: true },
    why: 'the host of a URL, as the operator must allow it',
  },
  {
    given: { 'mirror-target': 'http://127.0.0.1:8080$request_uri' },
    is: { to: { key: 'http://127.0.0.1:8080' }, path: undefined, sendsUri: true },
    why: 'an address; no path of its own',
  },
  {
    given: { 'mirror-target': 'http://side.other.svc' },
    is: { to: { key: 'http://side.other.svc:80', origin: {} }, path: undefined },
    why: 'a Service of another namespace is no own one',
  },
  {
    given: {
      'mirror-target': 'http://side.shop.svc/',
      'mirror-host': 'Shadow.test:81',
      'mirror-request-body': 'OFF',
    },
    is: { authority: 'Shadow.test:81', isBodiless: true },
    why: 'all three keys',
  },
  {
    given: { 'mirror-target': 'http://side.shop.svc/', 'mirror-request-body': 'maybe' },
    is: { isBodiless: undefined },
    why: 'all but off is on',
  },
  {
    given: { 'mirror-target': 'http://side.shop.svc/', 'mirror-host': 'a b' },
    is: { authority: 'side.shop.svc' },
    problem: /must be a host/,
    why: 'a host that is none',
  },
  { given: { 'mirror-host': 'c.test', 'mirror-request-body': 'off' }, why: 'nothing to change' },
  { given: { 'mirror-target': '' }, why: 'an empty value is an absent one' },
  {
    given: { 'mirror-target': 'http://$host/$request_uri' },
    problem: /no other variable/,
    why: 'a request must not choose',
  },
  { given: { 'mirror-target': 'side:80' }, problem: /no http or https URL/, why: 'no URL' },
  {
    given: { 'mirror-target': 'http://u:p@c.test/' },
    problem: /without name, password/,
    why: 'a password',
  },
]

for (const { given, is, problem, why } of rows) {
  t.test(`${JSON.stringify(given)}: ${why}`, async (t) => {
    const annotations = Object.fromEntries(
      Object.entries(given).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
    )
    const reading = readAnnotations({ metadata: { namespace: 'shop', name: 'web', annotations } })
    const { filters, backend } = reading.termsFor('/', 'Prefix')
    t.match(filters, is === undefined ? [] : [{ kind: 'mirror', percent: 100, ...is }])
    t.equal(filters.length, is === undefined ? 0 : 1)
    t.strictSame(backend, {}, 'the route is served')
    t.equal(reading.problems.length, problem === undefined ? 0 : 1)
    if (problem !== undefined) t.match(reading.problems[0]?.message, problem)
  })
}
