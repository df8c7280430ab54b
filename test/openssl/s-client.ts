// What does a client of OpenSSL see? Runs `openssl s_client` and reads what it says.
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

/** What it saw. */
export interface Sight {
  /** Status of the HTTP response; undefined: there was none. */
  readonly status: number | undefined
  /** Common name of what was shown; empty: nothing was. */
  readonly shown: string
  /** What signed the handshake, such as `ECDSA` or `RSA-PSS`. */
  readonly signedBy: string
  readonly version: string
  readonly cipher: string
  /** The group of the key exchange, as OpenSSL calls it. */
  readonly group: string
  readonly isReused: boolean
  readonly protocol: string
  /** `0 (ok)`, or why the certificate is not believed. */
  readonly verified: string
  /** The alert that ended it, as OpenSSL calls it. */
  readonly alert: string | undefined
  /** All that it said. */
  readonly said: string
}

// It ends with the connection; one that hangs is cut.
const longestMs = 20_000

/** Connects to a port of 127.0.0.1 with these options, sends `bytes` and reads until the other side closes. */
export async function sClient(
  program: string,
  port: number,
  options: readonly string[],
  bytes: string,
): Promise<Sight> {
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-ign_eof', ...options]
  const child = spawn(program, args, { timeout: longestMs, killSignal: 'SIGKILL' })
  // It may be gone before it reads.
  child.stdin.on('error', () => undefined)
  child.stdin.end(bytes)
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return readSight(`${out}\n${err}`)
}

/** From 3.5 on OpenSSL names the scheme (RFC 8446 §4.2.3), before it only what signs. */
function signatureOf(name: string): string {
  return name.replace(/^ecdsa_.*/, 'ECDSA').replace(/^rsa_pss_.*/, 'RSA-PSS')
}

function readSight(said: string): Sight {
  const find = (pattern: RegExp) => pattern.exec(said)?.[1]
  const status = find(/^HTTP\/1\.1 (\d{3}) /m)
  return {
    status: status === undefined ? undefined : Number(status),
    shown: find(/^subject=.*?CN ?= ?([^,\n]+)/m)?.trim() ?? '',
    signedBy: signatureOf(find(/^Peer signature type: (\S+)/m) ?? ''),
    version: find(/^(?:New|Reused), (TLSv[\d.]+)/m) ?? '',
    cipher: find(/^(?:New|Reused), TLS.* Cipher is (\S+)/m) ?? '',
    group: find(/^(?:Server|Peer) Temp Key: (?:ECDH, )?([^,\n]+)/m) ?? '',
    isReused: /^Reused, /m.test(said),
    protocol: find(/^ALPN protocol: (.+)/m) ?? '',
    verified: find(/^ *Verify return code: (.+)/m) ?? '',
    alert: find(/:(?:tlsv1|tlsv13|sslv3|ssl\/tls) alert ([a-z ]+):/) ?? undefined,
    said,
  }
}
