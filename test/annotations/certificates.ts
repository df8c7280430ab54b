// Where do the certificates of cases come from? Made by openssl(1) when first asked for. Each authority has a key of its own,
// all other certificates share one (RSA, as cases name ciphers that need it): making keys is what takes time.
//
// Invariant: the same wish gives the same certificate, so that a Secret and a client's certificate fit together.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What a certificate says. */
export interface Wish {
  readonly hosts: readonly string[]
  readonly cn?: string
  /** Name of the authority; absent: it signs itself. */
  readonly ca?: string
  readonly version?: number
}

/** A certificate with its key, as PEM; `ca` is who signed it. */
export interface Certificate {
  readonly key: string
  readonly cert: string
  readonly ca: string
}

/** Makes certificates; authorities are known by name, each case has its own. */
export class Certificates {
  readonly #folder = mkdtempSync(join(tmpdir(), 'weir-certificates-'))
  readonly #made = new Map<string, Promise<Certificate>>()
  #key: Promise<string> | undefined
  #count = 0

  /** Gives the certificate of a wish within `scope`, the case. */
  get(scope: string, wish: Wish): Promise<Certificate> {
    return this.#once(JSON.stringify([scope, wish]), () => this.#make(scope, wish))
  }

  /** Gives the certificate of an authority, as PEM. */
  async authority(scope: string, name: string): Promise<string> {
    return (await this.#authority(scope, name)).cert
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #authority(scope: string, name: string): Promise<Certificate> {
    return this.#once(JSON.stringify([scope, 'authority', name]), async () => {
      const key = join(this.#folder, `${this.#count++}.key`)
      await run('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key])
      const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign']
      const cert = await this.#sign(`ca-${name}`, extensions, key)
      return { key: readFileSync(key, 'utf8'), cert, ca: cert }
    })
  }

  #once(name: string, make: () => Promise<Certificate>): Promise<Certificate> {
    const known = this.#made.get(name)
    if (known !== undefined) return known
    const made = make()
    this.#made.set(name, made)
    return made
  }

  async #make(scope: string, { hosts, cn = hosts[0] ?? 'weir', ca }: Wish): Promise<Certificate> {
    const key = await this.#sharedKey()
    const names = hosts.map((host) => `DNS:${host}`).join(',')
    const extensions = ['basicConstraints=CA:FALSE', `subjectAltName=${names}`]
    const issuer = ca === undefined ? undefined : await this.#authority(scope, ca)
    const cert = await this.#sign(cn, extensions, key, issuer)
    return { key: readFileSync(key, 'utf8'), cert, ca: issuer?.cert ?? cert }
  }

  /** Signs the certificate of a key: by its issuer, else by itself. */
  async #sign(
    cn: string,
    extensions: readonly string[],
    key: string,
    issuer?: Certificate,
  ): Promise<string> {
    const out = join(this.#folder, `${this.#count++}.pem`)
    const args = ['req', '-x509', '-new', '-key', key, '-sha256', '-days', '30', '-out', out]
    args.push('-subj', `/CN=${cn}`)
    for (const extension of extensions) args.push('-addext', extension)
    if (issuer !== undefined) {
      writeFileSync(`${out}.ca`, issuer.cert + issuer.key)
      args.push('-CA', `${out}.ca`, '-CAkey', `${out}.ca`)
    }
    await run('openssl', args)
    return readFileSync(out, 'utf8')
  }

  #sharedKey(): Promise<string> {
    const file = join(this.#folder, 'key')
    this.#key ??= run('openssl', ['genrsa', '-out', file, '2048']).then(() => file)
    return this.#key
  }
}
