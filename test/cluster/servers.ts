// A real etcd and a real kube-apiserver, with RBAC, tokens of service accounts and an audit log.
//
// Invariant: the API server is only seen from 10.1.0.1, as it refuses EndpointSlices with loopback addresses; it runs in
// a network namespace of the test's own, so fixed ports are free.
import { generateKeyPairSync } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { type Child, startChild } from './children.ts'

/** The one address of the test's network that is not loopback. */
export const hostAddress = '10.1.0.1'
const apiPort = 6443

/** Token of the user that the test itself acts as. */
const adminToken = 'admin-of-the-test'

/** etcd and API server. */
export interface Servers {
  readonly url: string
  readonly adminToken: string
  readonly auditLog: string
  /** What a pod's environment says of the API server. */
  readonly env: Readonly<Record<string, string>>
  ca(): string
  /** Ends and starts the API server; its certificate, keys and tokens stay. */
  stopApi(): Promise<void>
  startApi(): Promise<void>
  /** With the API server stopped: keeps etcd's data as it is now. */
  saveData(): Promise<void>
  /** With the API server stopped: puts the kept data back, as a restored backup does. */
  restoreData(): Promise<void>
  close(): Promise<void>
}

const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts'] }, { level: 'None' }],
}

/** Starts both; resolves when the API server is ready. `binaries` holds kube-apiserver; `folder` takes their data. */
export async function startServers(
  binaries: string,
  etcd: string,
  folder: string,
): Promise<Servers> {
  const path = (name: string) => join(folder, name)
  const url = `https://${hostAddress}:${apiPort}`
  mkdirSync(folder, { recursive: true })
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(path('sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
  writeFileSync(path('sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }))
  writeFileSync(path('tokens.csv'), `${adminToken},admin,admin,system:masters\n`)
  writeFileSync(path('audit-policy.json'), JSON.stringify(auditPolicy))

  let etcdChild: Child
  let apiChild: Child

  function startEtcd(): void {
    const client = 'http://127.0.0.1:2379'
    const peer = 'http://127.0.0.1:2380'
    etcdChild = startChild(etcd, [
      `--data-dir=${path('etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--log-level=warn',
    ])
  }

  async function startApi(): Promise<void> {
    apiChild = startChild(join(binaries, 'kube-apiserver'), [
      '--etcd-servers=http://127.0.0.1:2379',
      `--bind-address=${hostAddress}`,
      `--advertise-address=${hostAddress}`,
      `--secure-port=${apiPort}`,
      `--cert-dir=${path('cert')}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--authorization-mode=RBAC',
      `--token-auth-file=${path('tokens.csv')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${path('sa.pub')}`,
      `--service-account-signing-key-file=${path('sa.key')}`,
      // It waits for objects that the controller manager makes.
      '--disable-admission-plugins=ServiceAccount',
      `--audit-policy-file=${path('audit-policy.json')}`,
      `--audit-log-path=${path('audit.log')}`,
      '--audit-log-mode=blocking',
      '--shutdown-delay-duration=0s',
      '--v=1',
    ])
    const deadline = performance.now() + 60_000
    while (!(await isReady(url, path('cert/apiserver.crt')))) {
      if (!apiChild.isRunning || performance.now() > deadline) {
        const words = `${etcdChild.words.slice(-2000)}\n${apiChild.words.slice(-3000)}`
        throw new Error(`the API server is not ready:\n${words}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  startEtcd()
  await startApi()

  return {
    url,
    adminToken,
    auditLog: path('audit.log'),
    env: { KUBERNETES_SERVICE_HOST: hostAddress, KUBERNETES_SERVICE_PORT: String(apiPort) },
    ca: () => readFileSync(path('cert/apiserver.crt'), 'utf8'),
    async stopApi() {
      // It would wait for watches to end.
      await apiChild.stop('SIGKILL')
    },
    startApi,
    async saveData() {
      await etcdChild.stop()
      cpSync(path('etcd'), path('etcd-kept'), { recursive: true })
      startEtcd()
    },
    async restoreData() {
      await etcdChild.stop()
      rmSync(path('etcd'), { recursive: true })
      cpSync(path('etcd-kept'), path('etcd'), { recursive: true })
      startEtcd()
    },
    async close() {
      await apiChild.stop('SIGKILL')
      await etcdChild.stop('SIGKILL')
    },
  }
}

function isReady(url: string, certificate: string): Promise<boolean> {
  if (!existsSync(certificate)) return Promise.resolve(false)
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const options = { ca: readFileSync(certificate), agent: false, timeout: 5000 }
  const request = get(`${url}/readyz`, options, (response) => {
    response.resume()
    resolve(response.statusCode === 200)
  })
  request.on('timeout', () => request.destroy())
  request.on('error', () => resolve(false))
  return promise
}
