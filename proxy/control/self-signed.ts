// What does Weir show a client before anybody gave it a certificate? One that it makes for itself at start: encrypted, proving nothing.
//
// A certificate is a few nested DER values (X.690 §8, RFC 5280 §4.1); Node reads them but does not write them.
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

const name = 'Weir default certificate'
// RFC 2606 §2: nobody can own a name in .invalid.
const host = 'weir.invalid'
const goodForMs = 3650 * 86_400_000

/** Makes a certificate of its own and its key (ECDSA P-256), as the entries of a Secret; `now` is wall-clock ms. */
export function makeSelfSigned(now: number): Readonly<Record<'tls.crt' | 'tls.key', string>> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const toBeSigned = certificateBody(publicKey, now)
  const signature = sign('sha256', toBeSigned, privateKey)
  const certificate = sequence(toBeSigned, ecdsaWithSha256, bitString(signature))
  const pem = certificate.toString('base64').replace(/.{1,64}/g, '$&\n')
  return {
    'tls.crt': `-----BEGIN CERTIFICATE-----\n${pem}-----END CERTIFICATE-----\n`,
    'tls.key': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function certificateBody(publicKey: KeyObject, now: number): Buffer {
  const subject = sequence(set(sequence(objectId('550403'), value(0x0c, Buffer.from(name)))))
  // The first bit of an integer is its sign.
  const serial = Buffer.concat([Buffer.from([0x40]), randomBytes(15)])
  const names = sequence(value(0x82, Buffer.from(host)))
  return sequence(
    value(0xa0, value(0x02, Buffer.from([2]))),
    value(0x02, serial),
    ecdsaWithSha256,
    subject,
    sequence(time(now - 86_400_000), time(now + goodForMs)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    value(0xa3, sequence(sequence(objectId('551d11'), value(0x04, names)))),
  )
}

const ecdsaWithSha256 = sequence(objectId('2a8648ce3d040302'))

/** A tag with its length and content. */
function value(tag: number, content: Buffer): Buffer {
  const { length } = content
  const header =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(header), content])
}

function sequence(...items: readonly Buffer[]): Buffer {
  return value(0x30, Buffer.concat(items))
}

function set(item: Buffer): Buffer {
  return value(0x31, item)
}

function objectId(hex: string): Buffer {
  return value(0x06, Buffer.from(hex, 'hex'))
}

function bitString(bytes: Buffer): Buffer {
  return value(0x03, Buffer.concat([Buffer.from([0]), bytes]))
}

/** GeneralizedTime, to the second, in UTC. */
function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')
  return value(0x18, Buffer.from(text))
}
