// moto's AWS on a free port, and the few calls that set its stage: a VPC's subnets, a load balancer, a target group.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export interface Moto {
  readonly endpoint: string
  /** Sends one call of AWS's query protocol and gives the XML. */
  call(
    service: 'ec2' | 'elasticloadbalancing',
    fields: Readonly<Record<string, string>>,
  ): Promise<string>
  stop(): Promise<void>
}

const versions = { ec2: '2016-11-15', elasticloadbalancing: '2015-12-01' } as const

/** Says why moto cannot run; undefined when it can. */
export function whyNoMoto(): string | undefined {
  const found = spawnSync('moto_server', ['--help'], { stdio: 'ignore', timeout: 60_000 })
  if (found.error !== undefined) return 'moto_server is not on the PATH: pip install "moto[server]"'
  return found.status === 0 ? undefined : 'moto_server does not run: pip install "moto[server]"'
}

/** Starts moto and waits until it answers. */
export async function startMoto(): Promise<Moto> {
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
  const moto: Moto = {
    endpoint,
    async call(service, fields) {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          // moto routes by the service in the credential scope and checks no signature.
          authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
        },
        body: new URLSearchParams({ Version: versions[service], ...fields }),
      })
      const xml = await response.text()
      if (!response.ok) throw new Error(`${fields.Action}: ${xml}`)
      return xml
    },
    stop: () => end(child),
  }
  await waitFor(endpoint, child)
  return moto
}

/** Finds the text of the first element `name`. */
export function firstElement(xml: string, name: string): string {
  const found = new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1]
  if (found === undefined) throw new Error(`no ${name} in ${xml}`)
  return found
}

async function waitFor(endpoint: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (child.exitCode !== null) throw new Error(`moto_server ended with ${child.exitCode}`)
    const isUp = await fetch(`${endpoint}/moto-api/`).then(
      () => true,
      () => false,
    )
    if (isUp) return
    await pause(100)
  }
  await end(child)
  throw new Error('moto_server does not answer')
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill()
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}
