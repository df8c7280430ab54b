// The certificates of tests (certificates/make.sh says which), as files, as entries of Secrets and as Secrets; and a client that
// speaks TLS.
import { readFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'

const folder = new URL('certificates/', import.meta.url)

/** Reads one of the files. */
export function pem(file: string): string {
  return readFileSync(new URL(file, folder), 'latin1')
}

/** The authority that issued what clients are to believe. */
export const ca = pem('ca.crt')

/** The entries of a Secret of the type kubernetes.io/tls: certificate and key of that name. */
export function tlsEntries(name: string, keyOf = name): Record<'tls.crt' | 'tls.key', string> {
  return { 'tls.crt': pem(`${name}.crt`), 'tls.key': pem(`${keyOf}.key`) }
}

/** A Secret with these entries, as Kubernetes writes it. */
export function tlsSecret(
  name: string,
  entries: Readonly<Record<string, string>>,
  namespace = 'default',
): Record<string, unknown> {
  const data = Object.fromEntries(
    Object.entries(entries).map(([key, text]) => [
      key,
      Buffer.from(text, 'latin1').toString('base64'),
    ]),
  )
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name },
    type: 'kubernetes.io/tls',
    data,
  }
}

/** What a TLS client came to see. */
export interface TlsAnswer {
  /** Whole response, or what there was of one; empty when there was no handshake. */
  readonly text: string
  /** `error.code` when the handshake failed or the connection broke. */
  readonly error: string | undefined
  /** Common name of the certificate, and its key: `EC` or `RSA`. */
  readonly shown: string
  readonly version: string
  readonly isResumed: boolean
  readonly group: string
  /** For the next connection. */
  readonly session: Buffer | undefined
}

/**
 * Connects to a port of 127.0.0.1, sends one request (or what `bytes` says) and reads until the other side closes. `preface` goes
 * before TLS: a PROXY header.
 */
export function askTls(
  port: number,
  { preface = '', ...options }: ConnectionOptions & { readonly preface?: Buffer | string } = {},
  bytes = `GET / HTTP/1.1\r\nHost: ${options.servername ?? 'a.test'}\r\nConnection: close\r\n\r\n`,
): Promise<TlsAnswer> {
  return new Promise((resolve) => {
    const seen = { text: '', error: undefined as string | undefined, shown: '', version: '' }
    let facts = { isResumed: false, group: '', session: undefined as Buffer | undefined }
    const wire = connectPlain(port, '127.0.0.1')
    if (preface !== '') wire.write(preface)
    const socket: TLSSocket = connect({ socket: wire, ca, ...options }, () => {
      const { subject, asn1Curve } = socket.getPeerCertificate()
      const { name = '' } = socket.getEphemeralKeyInfo() as { name?: string }
      seen.shown =
        subject === undefined ? '' : `${subject.CN} ${asn1Curve === undefined ? 'RSA' : 'EC'}`
      seen.version = socket.getProtocol() ?? ''
      facts = { ...facts, isResumed: socket.isSessionReused(), group: name }
      socket.write(bytes)
    })
    socket.on('session', (session: Buffer) => {
      facts.session = session
    })
    socket.on('data', (data: Buffer) => {
      seen.text += data.toString('latin1')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      seen.error ??= error.code ?? error.message
    })
    socket.on('close', () => resolve({ ...seen, ...facts }))
  })
}
