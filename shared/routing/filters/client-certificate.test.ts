// Whom a route lets in by the certificate, and what its upstream hears of it.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { compileContext, requestView, runStep } from '../testing/filter-stage.ts'
import { type ClientCertificateFilter, clientCertificateKind } from './client-certificate.ts'
import type { ClientCertificate, ConnectionTls, Verdict } from './kind.ts'

const file = new URL('../../../test/support/certificates/ca.crt', import.meta.url)
const authority = readFileSync(file, 'latin1')

const base: ClientCertificateFilter = {
  kind: 'client-certificate',
  secret: 'shop/clients',
  verify: 'on',
  depth: 1,
  subject: '',
  errorPage: '',
  nginxFields: 'none',
  standardFields: false,
}

const good: ClientCertificate = {
  pem: '-----BEGIN CERTIFICATE-----\nAQ==\n-----END CERTIFICATE-----\n',
  der: Buffer.from([1]),
  chain: [],
  subject: 'CN=ann,O=shop',
  issuer: 'CN=ca',
  error: undefined,
}

const tlsOf = (certificate: ClientCertificate | undefined, verifiedBy = base.secret) => ({
  serverName: 'a.test',
  verifiedBy,
  certificate,
})

interface Setting {
  readonly tls?: ConnectionTls
  readonly scheme?: 'http' | 'https'
  readonly data?: Readonly<Record<string, string>> | undefined
  readonly fields?: Readonly<Record<string, string>>
}

function ask(filter: Partial<ClientCertificateFilter>, setting: Setting) {
  const context = compileContext()
  const data = 'data' in setting ? setting.data : { 'ca.crt': authority }
  context.setAsset({ kind: 'secret', name: base.secret }, data)
  const stages = clientCertificateKind.compile({ ...base, ...filter }, context)
  const { tls, scheme = 'https', fields = {} } = setting
  const request = requestView({ scheme, fields, ...(tls === undefined ? {} : { tls }) })
  const [verdict] = runStep(stages.request, request).verdicts
  return { verdict, fields: Object.fromEntries(request.upstreamFields) }
}

const intermediate = Buffer.from([2])
const of = (error: string): ClientCertificate => ({ ...good, error })
const none = tlsOf(undefined)
const [required, refused, unfit] = [
  'client-certificate-required',
  'client-certificate-refused',
  'client-subject-refused',
] as const

const verdicts: readonly {
  readonly why: string
  readonly filter?: Partial<ClientCertificateFilter>
  readonly setting: Setting
  readonly is: Verdict
}[] = [
  { why: 'a good certificate', setting: { tls: tlsOf(good) }, is: undefined },
  { why: 'none', setting: { tls: none }, is: required },
  {
    why: 'none, and none is needed',
    filter: { verify: 'optional' },
    setting: { tls: none },
    is: undefined,
  },
  { why: 'expired', setting: { tls: tlsOf(of('CERT_HAS_EXPIRED')) }, is: refused },
  { why: 'revoked', setting: { tls: tlsOf(of('CERT_REVOKED')) }, is: refused },
  {
    why: 'a bad one, where none is needed',
    filter: { verify: 'optional' },
    setting: { tls: tlsOf(of('CERT_HAS_EXPIRED')) },
    is: refused,
  },
  {
    why: 'of strangers',
    setting: { tls: tlsOf(of('UNABLE_TO_VERIFY_LEAF_SIGNATURE')) },
    is: refused,
  },
  {
    why: 'of strangers, to be judged by the endpoint',
    filter: { verify: 'optional-no-ca' },
    setting: { tls: tlsOf(of('UNABLE_TO_VERIFY_LEAF_SIGNATURE')) },
    is: undefined,
  },
  {
    why: 'strangers are excused, time is not',
    filter: { verify: 'optional-no-ca' },
    setting: { tls: tlsOf(of('CERT_HAS_EXPIRED')) },
    is: refused,
  },
  {
    why: 'one authority between',
    setting: { tls: tlsOf({ ...good, chain: [intermediate] }) },
    is: undefined,
  },
  {
    why: 'one too many',
    filter: { depth: 0 },
    setting: { tls: tlsOf({ ...good, chain: [intermediate] }) },
    is: refused,
  },
  {
    why: 'the subject fits',
    filter: { subject: '^CN=ann,' },
    setting: { tls: tlsOf(good) },
    is: undefined,
  },
  {
    why: 'a match anywhere',
    filter: { subject: 'O=sh' },
    setting: { tls: tlsOf(good) },
    is: undefined,
  },
  { why: 'case counts', filter: { subject: 'CN=Ann' }, setting: { tls: tlsOf(good) }, is: unfit },
  {
    why: 'no certificate has no subject',
    filter: { subject: 'CN=ann', verify: 'optional' },
    setting: { tls: none },
    is: unfit,
  },
  {
    why: 'a bad certificate goes before its subject',
    filter: { subject: 'CN=bob' },
    setting: { tls: tlsOf(of('CERT_REVOKED')) },
    is: refused,
  },
  {
    why: 'verified by another authority: a new connection is needed',
    setting: { tls: tlsOf(good, 'shop/others') },
    is: 'misdirected-request',
  },
  {
    why: 'of a connection that was asked for none',
    filter: { verify: 'optional' },
    setting: { tls: { serverName: 'a.test', verifiedBy: undefined, certificate: undefined } },
    is: 'misdirected-request',
  },
  {
    why: 'nobody is asked',
    filter: { verify: 'off' },
    setting: { tls: { serverName: 'a.test', verifiedBy: undefined, certificate: undefined } },
    is: undefined,
  },
  { why: 'plain http', setting: { scheme: 'http' }, is: required },
  { why: 'https that ended in front of Weir', setting: {}, is: required },
  {
    why: 'plain http in front of a redirect',
    filter: { isBeforeRedirect: true },
    setting: { scheme: 'http' },
    is: undefined,
  },
  {
    why: 'https in front of a redirect, which will not redirect',
    filter: { isBeforeRedirect: true },
    setting: {},
    is: required,
  },
  {
    why: 'TLS in front of a redirect',
    filter: { isBeforeRedirect: true },
    setting: { tls: none },
    is: required,
  },
  {
    why: 'plain http, and none is needed',
    filter: { verify: 'optional' },
    setting: { scheme: 'http' },
    is: undefined,
  },
  { why: 'no Secret', setting: { tls: tlsOf(good), data: undefined }, is: 'policy-closed' },
  {
    why: 'a Secret without authorities',
    setting: { tls: tlsOf(good), data: { 'tls.crt': 'x' } },
    is: 'policy-closed',
  },
  {
    why: 'no Secret, and none is needed',
    filter: { verify: 'off' },
    setting: { data: undefined },
    is: undefined,
  },
]

t.test('who comes in', async (t) => {
  for (const { why, filter = {}, setting, is } of verdicts)
    t.equal(ask(filter, setting).verdict, is, why)
})

t.test('browsers are sent to a page of their own, but not for their subject', async (t) => {
  const filter = { errorPage: 'https://help.test/?a', subject: 'CN=bob' }
  const page = { status: 302, headers: [['Location', 'https://help.test/?a']] }
  t.match(ask(filter, { tls: none }).verdict, page)
  t.match(ask(filter, { tls: tlsOf(of('CERT_REVOKED')) }).verdict, page)
  t.equal(ask(filter, { tls: tlsOf(good) }).verdict, unfit)
  t.equal(ask(filter, { tls: tlsOf(good, 'shop/others') }).verdict, 'misdirected-request')
})

const lies = {
  'ssl-client-verify': 'SUCCESS',
  'ssl-client-subject-dn': 'CN=admin',
  'ssl-client-issuer-dn': 'CN=ca',
  'ssl-client-cert': 'x',
  'Client-Cert': ':AQ==:',
  'Client-Cert-Chain': ':AQ==:',
  accept: '*/*',
}

t.test('what a client says of itself never goes upstream', async (t) => {
  for (const verify of ['off', 'optional', 'optional-no-ca'] as const) {
    for (const tls of [undefined, tlsOf(undefined)]) {
      const { verdict, fields } = ask({ verify }, { fields: lies, ...(tls && { tls }) })
      t.strictSame({ verdict, fields }, { verdict: undefined, fields: { accept: ['*/*'] } })
    }
  }
  t.strictSame(ask({}, { tls: tlsOf(good), fields: lies }).fields, { accept: ['*/*'] })
})

t.test('endpoints hear of it as from ingress-nginx', async (t) => {
  const facts = { nginxFields: 'facts' } as const
  t.strictSame(ask(facts, { tls: tlsOf(good), fields: lies }).fields, {
    accept: ['*/*'],
    'ssl-client-verify': ['SUCCESS'],
    'ssl-client-subject-dn': ['CN=ann,O=shop'],
    'ssl-client-issuer-dn': ['CN=ca'],
  })
  const all = ask({ nginxFields: 'all' }, { tls: tlsOf(good) }).fields
  t.same(all['ssl-client-cert'], [
    '-----BEGIN%20CERTIFICATE-----%0AAQ%3D%3D%0A-----END%20CERTIFICATE-----%0A',
  ])
  t.strictSame(ask({ ...facts, verify: 'optional' }, { tls: none }).fields, {
    'ssl-client-verify': ['NONE'],
  })
  const stranger = tlsOf(of('UNABLE_TO_VERIFY_LEAF_SIGNATURE'))
  t.match(ask({ ...facts, verify: 'optional-no-ca' }, { tls: stranger }).fields, {
    'ssl-client-verify': ['FAILED:unable to verify the first certificate'],
  })
})

t.test('endpoints hear of it by RFC 9440, of verified ones only', async (t) => {
  const standardFields = true
  t.strictSame(ask({ standardFields }, { tls: tlsOf(good), fields: lies }).fields, {
    accept: ['*/*'],
    'client-cert': [':AQ==:'],
  })
  const chain = [intermediate, Buffer.from([3])]
  const long = ask({ standardFields, depth: 2 }, { tls: tlsOf({ ...good, chain }) })
  t.same(long.fields, { 'client-cert': [':AQ==:'], 'client-cert-chain': [':Ag==:, :Aw==:'] })
  const stranger = tlsOf(of('UNABLE_TO_VERIFY_LEAF_SIGNATURE'))
  t.same(ask({ standardFields, verify: 'optional-no-ca' }, { tls: stranger }).fields, {})
})

t.test('what cannot be served is said', async (t) => {
  t.match(clientCertificateKind.fault({ ...base, subject: '(' }), /no pattern/)
  t.match(clientCertificateKind.fault({ ...base, depth: 17 }), /from 0 to 16/)
  t.equal(clientCertificateKind.fault(base), undefined)
})
