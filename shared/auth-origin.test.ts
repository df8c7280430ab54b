import t from 'tap'
import { formatOrigin, judgeOrigin, readAllowedOrigin, readOrigin } from './auth-origin.ts'

const urls = [
  { text: 'http://a.test', is: 'http://a.test:80', target: '/', why: 'the usual port' },
  { text: 'https://a.test/', is: 'https://a.test:443', target: '/', why: 'that of https' },
  { text: 'HTTP://A.Test.:81/x?y', is: 'http://a.test:81', target: '/x?y', why: 'one form' },
  { text: 'http://a.test?y', is: 'http://a.test:80', target: '/?y', why: 'a query alone' },
  { text: 'http://[FD00:0::7]:8/', is: 'http://[fd00::7]:8', target: '/', why: 'IPv6' },
  { text: 'http://10.0.0.7/', is: 'http://10.0.0.7:80', target: '/', why: 'IPv4' },
  {
    text: 'http://2130706433/',
    is: 'http://127.0.0.1:80',
    target: '/',
    why: 'a number is it, too',
  },
  { text: 'http://0x7f.1/', is: 'http://127.0.0.1:80', target: '/', why: 'and this' },
  { text: 'http://a.test/x/../y', is: 'http://a.test:80', target: '/y', why: 'no way up' },
]

for (const { text, is, target, why } of urls) {
  t.test(`${text} is of ${is}: ${why}`, async (t) => {
    const result = readOrigin(text)
    t.ok(result.ok)
    if (!result.ok) return
    t.equal(formatOrigin(result.origin), is)
    t.equal(result.target, target)
  })
}

const refused = [
  { text: '', why: 'nothing' },
  { text: 'a.test', why: 'no scheme' },
  { text: '//a.test/', why: 'likewise' },
  { text: 'ftp://a.test/', why: 'another scheme' },
  { text: 'http:///x', why: 'no host' },
  { text: 'http://u:p@a.test/', why: 'a password' },
  { text: 'http://allowed.test@b.test/', why: 'a name that looks like the host' },
  { text: 'http://allowed.test\\@b.test/', why: 'what some readers take for a slash' },
  { text: 'http://a.test/#x', why: 'a fragment is not sent' },
  { text: 'http://a.test/x y', why: 'a space' },
  { text: 'http://a.test/\r\nX: y', why: 'a line' },
  { text: 'http://caf\u00e9.test/', why: 'not ASCII' },
  { text: 'http://*.a.test/', why: 'a pattern is no place' },
  { text: 'http://a.test:0/', why: 'no port' },
  { text: 'http://a.test:99999/', why: 'no port' },
]

for (const { text, why } of refused) {
  t.test(`${JSON.stringify(text)} is refused: ${why}`, async (t) => {
    t.equal(readOrigin(text).ok, false)
  })
}

const rules = [
  { rule: 'https://a.test', url: 'https://a.test/x', is: true, why: 'the same' },
  { rule: 'https://A.test:443/', url: 'https://a.test/x', is: true, why: 'in another spelling' },
  { rule: 'https://a.test', url: 'http://a.test/x', is: false, why: 'another scheme' },
  { rule: 'https://a.test', url: 'https://a.test:444/', is: false, why: 'another port' },
  { rule: 'https://a.test', url: 'https://x.a.test/', is: false, why: 'no pattern' },
  { rule: 'https://*.a.test', url: 'https://x.a.test/', is: true, why: 'one label' },
  { rule: 'https://*.a.test', url: 'https://y.x.a.test/', is: false, why: 'not two' },
  { rule: 'https://*.a.test', url: 'https://a.test/', is: false, why: 'nor none' },
  { rule: 'https://*.a.test', url: 'https://xa.test/', is: false, why: 'a label ends at its dot' },
  { rule: 'https://*.a.test', url: 'http://x.a.test/', is: false, why: 'another scheme' },
  { rule: 'http://*.0.0.7', url: 'http://10.0.0.7/', is: false, why: 'addresses have no labels' },
]

for (const { rule, url, is, why } of rules) {
  t.test(`${rule} ${is ? 'allows' : 'does not allow'} ${url}: ${why}`, async (t) => {
    const allowed = readAllowedOrigin(rule)
    const result = readOrigin(url)
    t.ok(result.ok)
    t.equal(result.ok && judgeOrigin(result.origin, new Set([allowed ?? ''])) === 'named', is)
  })
}

for (const text of ['*', 'https://*', 'https://a.*.test', 'https://a.test/x', 'https://*a.test']) {
  t.test(`${text} is no origin`, async (t) => {
    t.equal(readAllowedOrigin(text), undefined)
  })
}

const anybody = [
  { url: 'https://auth.example.com/', is: 'any', why: 'a host' },
  { url: 'http://auth.login.svc.cluster.local/', is: 'any', why: 'a Service' },
  { url: 'http://10.1.2.3:8080/', is: 'any', why: 'an address, such as that of a pod' },
  { url: 'http://127.64.1.2/', is: 'any', why: 'what listens on this machine alone is not there' },
  { url: 'http://127.0.0.1:9911/metrics', is: 'refused', why: 'this machine' },
  { url: 'http://127.1/', is: 'refused', why: 'in another spelling' },
  { url: 'http://2130706433/', is: 'refused', why: 'and another' },
  { url: 'http://0.0.0.0/', is: 'refused', why: 'this machine, for the kernel' },
  { url: 'http://[::1]/', is: 'refused', why: 'this machine' },
  { url: 'http://[::ffff:127.0.0.1]/', is: 'refused', why: 'IPv4 in IPv6' },
  { url: 'http://localhost/', is: 'refused', why: 'its name' },
  { url: 'http://a.LOCALHOST./', is: 'refused', why: 'RFC 6761 §6.3' },
  { url: 'http://169.254.169.254/latest/', is: 'refused', why: 'metadata' },
  { url: 'http://[fd00:ec2::254]/', is: 'refused', why: 'metadata' },
  { url: 'http://[::ffff:a9fe:a9fe]/', is: 'refused', why: 'metadata' },
  { url: 'http://[64:ff9b::a9fe:a9fe]/', is: 'refused', why: 'metadata by translation' },
] as const

for (const { url, is, why } of anybody) {
  t.test(`with any, ${url} is ${is}: ${why}`, async (t) => {
    const result = readOrigin(url)
    const judged = result.ok ? judgeOrigin(result.origin, new Set(['any'])) : 'refused'
    t.equal(judged, is)
    t.equal(result.ok && judgeOrigin(result.origin, new Set()), result.ok && 'refused')
  })
}
