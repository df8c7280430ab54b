import t from 'tap'
import { isClaim, isTrustedFieldWord, readTrustedFields } from './trusted-fields.ts'

const claims = [
  ...['forwarded', 'x-forwarded-for', 'x-forwarded-anything', 'x-forwarded', 'x-real-ip'],
  ...['x-original-url', 'x-original-forwarded-for', 'x-rewrite-url', 'x-request-id', 'x-scheme'],
  ...['cloudfront-viewer-address', 'cf-connecting-ip', 'cf-connecting-ipv6', 'true-client-ip'],
  ...['fastly-client-ip', 'front-end-https', 'x-client-ip', 'x-cluster-client-ip'],
]
const others = [
  ...[
    'host',
    'content-type',
    'cookie',
    'from',
    'te',
    'traceparent',
    'x-requested-with',
    'x-api-key',
  ],
  ...['x-amzn-trace-id', 'cf-ray', 'x-forwardedfor', 'authorization', 'referer', 'x-original'],
]

t.test('fields in which a proxy speaks about its client are told from all others', async (t) => {
  for (const name of claims) t.ok(isClaim(name), name)
  for (const name of others) t.notOk(isClaim(name), name)
})

const words = [
  { word: 'alb', is: true, why: 'a preset' },
  { word: 'CloudFront', is: true, why: 'presets have no case' },
  { word: 'X-Forwarded-Host', is: true, why: 'a field' },
  { word: 'x-original-*', is: true, why: 'a family' },
  { word: 'x-forwarded-h*', is: false, why: 'no family' },
  { word: '*', is: false, why: 'all is the word for it' },
  { word: 'Cookie', is: false, why: 'passes anyway' },
  { word: 'x-forwarded', is: true, why: 'the field of that name' },
]

for (const { word, is, why } of words) {
  t.test(`${word} is a word of --trusted-fields: ${is}: ${why}`, async (t) => {
    t.equal(isTrustedFieldWord(word), is)
  })
}

const settings = [
  { given: [], trusts: [], why: 'nothing' },
  { given: ['none'], trusts: [], why: 'nothing, in a word' },
  { given: ['alb'], trusts: ['forwardedFor', 'forwardedProto', 'forwardedPort'], why: 'AWS' },
  {
    given: ['cloudfront'],
    trusts: ['forwardedFor', 'forwardedProto', 'others'],
    why: 'the port that the ALB saw is not the viewer’s',
  },
  {
    given: ['alb', 'X-Request-ID'],
    trusts: ['forwardedFor', 'forwardedProto', 'forwardedPort', 'requestId'],
    why: 'a preset and a field',
  },
  {
    given: ['x-forwarded-*'],
    trusts: ['forwardedFor', 'forwardedHost', 'forwardedPort', 'forwardedProto', 'others'],
    why: 'a family',
  },
  { given: ['Forwarded'], trusts: ['others'], why: 'a field without a place of its own' },
  {
    given: ['all'],
    trusts: [
      ...['forwardedFor', 'forwardedProto', 'forwardedHost', 'forwardedPort'],
      ...['realIp', 'requestId', 'others'],
    ],
    why: 'everything',
  },
]

for (const { given, trusts, why } of settings) {
  t.test(
    `${given.join(',') || '(empty)'} trusts ${trusts.join(' ') || 'nothing'}: ${why}`,
    async (t) => {
      const fields = readTrustedFields(given)
      const found = Object.entries(fields).filter(
        ([, value]) => value !== false && value !== undefined,
      )
      t.strictSame(found.map(([name]) => name).sort(), [...trusts].sort())
    },
  )
}

t.test('of the other fields those are believed that were named', async (t) => {
  const { others } = readTrustedFields(['alb', 'CloudFront-*', 'Forwarded'])
  t.ok(others?.has('cloudfront-viewer-country'))
  t.ok(others?.has('forwarded'))
  t.notOk(others?.has('x-forwarded-prefix'))
  t.notOk(others?.has('cf-connecting-ip'))
})
