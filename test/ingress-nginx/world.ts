// Which objects does a cluster have beside its Ingresses? For the Services that Ingresses name: applications, and Services, slices and
// Secrets that lead to them. A port that an Ingress asks by https speaks
// TLS, one that it asks by gRPC HTTP/2.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttp2Server, type Http2Server } from 'node:http2'
import net from 'node:net'
import { createServer } from 'node:tls'
import type { Ingress, KubeObject } from '../../shared/kube/objects.ts'
import type { ScriptedUpstream } from '../support/upstream.ts'
import { startApplication } from './application.ts'

// Where a Service has an address of its own (service-upstream), its application listens there, at the port of the Service.
const clusterIp = '127.77.0.1'

/** What was started. */
export interface World {
  /** Services, EndpointSlices and Secrets. */
  readonly objects: readonly KubeObject[]
  /** By `namespace/name`. */
  readonly applications: ReadonlyMap<string, ScriptedUpstream>
  close(): Promise<void>
}

const prefix = 'nginx.ingress.kubernetes.io/'
// htpasswd's own line for ann with the password `secret`, as SHA-1.
const users = 'ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ='

type Protocol = 'http' | 'https' | 'grpc'

interface Need {
  readonly namespace: string
  readonly name: string
  /** Of the Service itself. */
  readonly address: string | undefined
  /** As Ingresses name them. */
  readonly ports: Map<string, { readonly port: number | string; readonly speaks: Protocol }>
}

/** Starts an application for each Service that the Ingresses name; endpoints are at `address`. */
export async function startWorld(
  ingresses: readonly Ingress[],
  address = '127.0.0.1',
): Promise<World> {
  const applications = new Map<string, ScriptedUpstream>()
  const fronts: net.Server[] = []
  const objects: KubeObject[] = ingresses.flatMap(secretsOf)
  for (const [key, need] of needsOf(ingresses)) {
    // In a cluster the address of a Service is its own to choose.
    const own = address === '127.0.0.1' ? need.address : undefined
    const [port] = need.ports.values()
    const place = own === undefined ? { address } : { address: own, port: Number(port?.port) }
    const application = await startApplication(key, place)
    applications.set(key, application)
    const ports = [...need.ports.values()].map(({ port, speaks }, at) => ({
      name: typeof port === 'string' ? port : `p${port}`,
      number: typeof port === 'string' ? 9000 + at : port,
      speaks,
    }))
    const places = []
    for (const { name, speaks } of ports) {
      const front =
        speaks === 'http' ? undefined : await startFront(speaks, key, application, address)
      if (front !== undefined) fronts.push(front.server)
      places.push({ name, port: front?.port ?? application.port, protocol: 'TCP' })
    }
    const { namespace, name } = need
    objects.push(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace, name },
        ...{
          spec: {
            ...(own === undefined ? {} : { clusterIP: own }),
            ports: ports.map(({ name, number }) => ({ name, port: number, targetPort: name })),
          },
        },
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { namespace, name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
        ...{
          addressType: 'IPv4',
          ports: places,
          endpoints: [{ addresses: [place.address], conditions: { ready: true } }],
        },
      },
    )
  }
  return {
    objects,
    applications,
    async close() {
      for (const front of fronts) front.close()
      await Promise.all([...applications.values()].map((application) => application.close()))
    },
  }
}

/** All Services by `namespace/name`: of rules, default backends, canaries, and of URLs that name them by DNS. */
function needsOf(ingresses: readonly Ingress[]): ReadonlyMap<string, Need> {
  const needs = new Map<string, Need>()
  for (const ingress of ingresses) {
    const isDirect = ingress.metadata?.annotations?.[`${prefix}service-upstream`] === 'true'
    const address = isDirect ? clusterIp : undefined
    for (const { namespace, name, port, speaks } of [...ofRules(ingress), ...ofKeys(ingress)]) {
      const key = `${namespace}/${name}`
      const need = needs.get(key) ?? { namespace, name, address, ports: new Map() }
      needs.set(key, need)
      // Who asks it otherwise than by https has got it wrong, or asks by another protocol.
      const known = need.ports.get(`${port}`)?.speaks ?? 'http'
      const wasHttp = known === 'http'
      need.ports.set(`${port}`, { port, speaks: wasHttp ? speaks : known })
    }
  }
  return needs
}

interface Named {
  readonly namespace: string
  readonly name: string
  readonly port: number | string
  readonly speaks: Protocol
}

function ofRules({ metadata = {}, spec = {} }: Ingress): readonly Named[] {
  const { namespace = 'default', annotations = {} } = metadata
  const speaks = protocolOf(annotations[`${prefix}backend-protocol`])
  const paths = (spec.rules ?? []).flatMap(({ http }) => http?.paths ?? [])
  return [...paths.map(({ backend }) => backend), spec.defaultBackend].flatMap((backend) => {
    const { name, port } = backend?.service ?? {}
    const wanted = port?.number ?? port?.name
    return name === undefined || wanted === undefined
      ? []
      : [{ namespace, name, port: wanted, speaks }]
  })
}

function ofKeys({ metadata = {} }: Ingress): readonly Named[] {
  const { namespace = 'default', annotations = {} } = metadata
  const pages = annotations[`${prefix}default-backend`] ?? ''
  const ofPages = /^[a-z-]+$/.test(pages) ? [{ namespace, name: pages, port: 80 }] : []
  const ofUrls = Object.values(annotations).flatMap((value) => {
    const url = /^http:\/\/([\w-]+)\.([\w-]+)\.svc\.cluster\.local(?::(\d+))?/.exec(value)
    const [, name = '', of = '', port = '80'] = url ?? []
    return url === null ? [] : [{ namespace: of, name, port: Number(port) }]
  })
  return [...ofPages, ...ofUrls].map((each) => ({ ...each, speaks: 'http' as const }))
}

function secretsOf({ metadata = {} }: Ingress): KubeObject[] {
  const { namespace = 'default', annotations = {} } = metadata
  const secrets = [
    { key: 'auth-secret', stringData: { auth: users } },
    { key: 'auth-tls-secret', stringData: { 'ca.crt': testFile('first-ca.pem') } },
  ]
  return secrets.flatMap(({ key, stringData }) => {
    const name = annotations[prefix + key]?.split('/').at(-1)
    return name === undefined
      ? []
      : [{ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, ...{ stringData } }]
  })
}

function testFile(name: string): string {
  return readFileSync(new URL(`../../shared/testing/tls/${name}`, import.meta.url), 'utf8')
}

function protocolOf(value = ''): Protocol {
  return /^https$/i.test(value) ? 'https' : /^grpc$/i.test(value) ? 'grpc' : 'http'
}

/** Answers as an application does, in HTTP/2. */
function answerGrpc(service: string): Http2Server {
  return createHttp2Server((request, response) => {
    const { ':method': method = '', ':path': target = '', ...fields } = request.headers
    const told = { service, method, target, fields: Object.entries(fields), body: '' }
    request.resume().on('end', () => response.end(JSON.stringify(told)))
  })
}

/** Speaks what an application does not. */
async function startFront(
  speaks: Exclude<Protocol, 'http'>,
  service: string,
  { port: behind }: ScriptedUpstream,
  address: string,
): Promise<{ readonly server: net.Server; readonly port: number }> {
  const [cert, key] = ['pem', 'key'].map((end) => testFile(`first-server.${end}`))
  const server =
    speaks === 'grpc'
      ? answerGrpc(service)
      : createServer({ cert, key }, (socket) => {
          const inner = net.connect(behind, address)
          socket.pipe(inner).pipe(socket)
          for (const [one, other] of [
            [socket, inner],
            [inner, socket],
          ] as const) {
            one.on('error', () => other.destroy())
            one.on('close', () => other.destroy())
          }
        })
  server.listen(0, address)
  await once(server, 'listening')
  // A server that listens on TCP has such an address.
  return { server, port: (server.address() as net.AddressInfo).port }
}
