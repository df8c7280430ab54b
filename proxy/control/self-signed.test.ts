import { createPrivateKey, X509Certificate } from 'node:crypto'
import t from 'tap'
import { readServableIdentity } from '../../shared/identity.ts'
import { makeSelfSigned } from './self-signed.ts'

t.test('a certificate of its own is one, signed by itself', async (t) => {
  const now = Date.UTC(2026, 0, 2, 3, 4, 5)
  const made = makeSelfSigned(now)
  const certificate = new X509Certificate(made['tls.crt'])
  t.ok(certificate.verify(certificate.publicKey), 'by its own key')
  t.ok(certificate.checkPrivateKey(createPrivateKey(made['tls.key'])))
  t.equal(certificate.subject, 'CN=Weir default certificate')
  t.equal(certificate.issuer, certificate.subject)
  t.equal(certificate.subjectAltName, 'DNS:weir.invalid')
  t.equal(certificate.validFromDate.toISOString(), '2026-01-01T03:04:05.000Z', 'clocks differ')
  t.equal(certificate.validToDate.toISOString(), '2035-12-31T03:04:05.000Z')
  t.ok(readServableIdentity(made).ok, 'OpenSSL serves it')
  const other = new X509Certificate(makeSelfSigned(now)['tls.crt'])
  t.not(other.serialNumber, certificate.serialNumber)
})
