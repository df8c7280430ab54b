// An API server in this process for tests: the real wire protocol over TLS, real sockets, and every fault on demand.
//
// Invariant: what it does unasked is what a real API server does; the rest is switched on through `faults`.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { KubeObject } from '../kube/objects.ts'
import { type KubeResource, objectKey } from '../kube/resources.ts'
import { type ApiFaults, answerRule, createFaults } from './api-faults.ts'
import {
  type Answer,
  answerCreate,
  answerDelete,
  answerGet,
  answerPatch,
  answerUpdate,
} from './api-handler.ts'
import { parseApiPath, resources, statusBody, type Target, type Verb, verbOf } from './api-paths.ts'
import { createReads } from './api-reads.ts'
import { ApiStore } from './api-store.ts'
import { type OpenWatch, WatchHub } from './api-watches.ts'

/** One request as it came. */
export interface LoggedRequest {
  readonly verb: Verb
  readonly resource: KubeResource
  readonly namespace: string
  readonly name: string | undefined
  readonly query: Readonly<Record<string, string>>
  /** The status that was answered. */
  readonly status: number
  readonly body: unknown
}

export interface ApiServer {
  readonly url: string
  readonly port: number
  /** The CA that vouches for the certificate shown now. */
  caPem(): string
  token(): string
  /** From now on only this token is let in. */
  setToken(token: string): void
  /** Shows the certificate of another CA to new connections, and cuts the old ones. */
  rotateCertificate(): void
  /** Creates or replaces; metadata that the server owns is filled in. */
  put<T extends KubeObject>(object: T): T
  remove(resource: KubeResource, namespace: string, name: string): void
  get<T extends KubeObject>(
    resource: KubeResource<T>,
    namespace: string,
    name: string,
  ): T | undefined
  list<T extends KubeObject>(resource: KubeResource<T>): T[]
  readonly requests: LoggedRequest[]
  readonly faults: ApiFaults
  /** Connections that were ever made. */
  connections(): number
  /** Watches that are open now. */
  watches(resource?: KubeResource): number
  /** Goes away: refuses connections and cuts those that are open. */
  pause(): Promise<void>
  /** Comes back on the same port with all its objects. */
  resume(): Promise<void>
  close(): Promise<void>
  /** Writes a kubeconfig with the present token and CA into `folder`; gives its path. */
  kubeconfigFile(folder: string): Promise<string>
  /** Writes `token`, `ca.crt` and `namespace` into `folder` as the kubelet does; gives the folder. */
  serviceAccountFolder(folder: string, namespace?: string): Promise<string>
  /** The environment variables that a pod of this cluster has. */
  readonly env: Readonly<Record<string, string>>
}

function certificate(name: 'first' | 'second'): { key: string; cert: string; ca: string } {
  const read = (file: string) =>
    readFileSync(new URL(`tls/${name}-${file}`, import.meta.url), 'utf8')
  return { key: read('server.key'), cert: read('server.pem'), ca: read('ca.pem') }
}

/** Starts a test API server on a free port of 127.0.0.1. */
export async function createApiServer(): Promise<ApiServer> {
  let tls = certificate('first')
  let token = randomBytes(16).toString('hex')
  let connections = 0
  const store = new ApiStore()
  const hub = new WatchHub()
  const sockets = new Set<Socket>()
  const requests: LoggedRequest[] = []
  const faultState = createFaults(store, hub, resetConnection)
  const reads = createReads(store, hub, faultState)

  for (const resource of resources) {
    store.listen(resource, (event) => hub.send(resource, event))
  }

  const server = createServer({ key: tls.key, cert: tls.cert }, (request, response) => {
    handle(request, response).catch((error: unknown) => {
      // Clients that go away while they send are part of many tests.
      response.destroy(error instanceof Error ? error : undefined)
    })
  })
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
  })

  /** Finds the plain socket below a watch's TLS socket: only that can be cut by RST. */
  function resetConnection(watch: OpenWatch): void {
    const port = watch.response.socket?.remotePort
    for (const socket of sockets) if (socket.remotePort === port) socket.resetAndDestroy()
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://localhost')
    const query = Object.fromEntries(url.searchParams)
    const target = parseApiPath(url.pathname)
    const verb = target && verbOf(request.method ?? '', target, query.watch === 'true')
    const sent = await text(request)
    const body: unknown = sent === '' ? undefined : JSON.parse(sent)
    if (target === undefined || verb === undefined) {
      send(response, 404, statusBody(404, 'the server could not find the requested resource'))
      return
    }
    const answer = decide(request, target, verb, query, body)
    const status = answer === 'watch' ? 200 : answer.status
    const { resource, namespace, name } = target
    requests.push({ verb, resource, namespace, name, query, status, body })
    if (answer === 'watch') reads.watch(response, target, query)
    else send(response, status, answer.body, answer.headers)
  }

  function decide(
    request: IncomingMessage,
    target: Target,
    verb: Verb,
    query: Readonly<Record<string, string>>,
    body: unknown,
  ): (Answer & { readonly headers?: Readonly<Record<string, string>> }) | 'watch' {
    if (request.headers.authorization !== `Bearer ${token}`) {
      return { status: 401, body: statusBody(401, 'Unauthorized') }
    }
    const rule = faultState.take(verb, target)
    if (rule !== undefined) return answerRule(rule, verb, target)
    switch (verb) {
      case 'get':
        return answerGet(store, target)
      case 'create':
        return answerCreate(store, target, body, managerOf(request, query))
      case 'update':
        return answerUpdate(store, target, body, managerOf(request, query))
      case 'patch':
        return answerPatch(
          store,
          target,
          body,
          request.headers['content-type'] ?? '',
          managerOf(request, query),
        )
      case 'delete':
        return answerDelete(store, target, body)
      case 'list':
        return reads.list(target, query)
      case 'watch':
        return reads.isGone(target, query) ?? 'watch'
    }
  }

  function cut(): void {
    for (const socket of sockets) socket.destroy()
  }

  async function listen(port: number): Promise<number> {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async function stop(): Promise<void> {
    const closed = once(server, 'close')
    server.close()
    cut()
    await closed
  }

  const port = await listen(0)
  const url = `https://127.0.0.1:${port}`

  return {
    url,
    port,
    requests,
    faults: faultState.faults,
    env: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) },
    caPem: () => tls.ca,
    token: () => token,
    setToken(next) {
      token = next
    },
    rotateCertificate() {
      tls = certificate(tls.ca === certificate('first').ca ? 'second' : 'first')
      server.setSecureContext({ key: tls.key, cert: tls.cert })
      cut()
    },
    put: (object) => store.put(resourceOf(object), object),
    remove(resource, namespace, name) {
      store.remove(resource, objectKey({ metadata: { namespace, name } }))
    },
    get<T extends KubeObject>(resource: KubeResource<T>, namespace: string, name: string) {
      // The store keeps objects by resource: what lies under this one is of its type.
      return store.get(resource, objectKey({ metadata: { namespace, name } })) as T | undefined
    },
    list<T extends KubeObject>(resource: KubeResource<T>) {
      return store.list(resource) as T[]
    },
    connections: () => connections,
    watches: (resource) => hub.open(resource).length,
    pause: stop,
    async resume() {
      await listen(port)
    },
    async close() {
      if (server.listening) await stop()
    },
    async kubeconfigFile(folder) {
      const path = join(folder, 'kubeconfig')
      const ca = Buffer.from(tls.ca).toString('base64')
      await writeFile(
        path,
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Config',
          'current-context': 'test',
          contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
          clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': ca } }],
          users: [{ name: 'test', user: { token } }],
        }),
      )
      return path
    },
    async serviceAccountFolder(folder, namespace = 'kube-system') {
      await mkdir(folder, { recursive: true })
      await Promise.all([
        writeFile(join(folder, 'token'), token),
        writeFile(join(folder, 'ca.crt'), tls.ca),
        writeFile(join(folder, 'namespace'), namespace),
      ])
      return folder
    },
  }
}

/** Who writes: as it says, or else the program that the user agent names. */
function managerOf(request: IncomingMessage, query: Readonly<Record<string, string>>): string {
  return query.fieldManager ?? request.headers['user-agent']?.split('/')[0] ?? 'unknown'
}

function resourceOf(object: KubeObject): KubeResource {
  const found = resources.find((r) => r.kind === object.kind && r.apiVersion === object.apiVersion)
  if (found === undefined) throw new Error(`no such resource: ${object.apiVersion} ${object.kind}`)
  return found
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const length = String(Buffer.byteLength(text))
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json',
    'content-length': length,
  })
  response.end(text)
}
