// What does TLS cost, HTTP/2 over it, and gRPC? Weir beside nginx, and Envoy for gRPC, with the same certificate and protocols.

import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  findEnvoy,
  findProgram,
  freePort,
  makeFolder,
  residentKib,
  spawnProgram,
  waitForPort,
} from '../test/support/programs.ts'
import { runH2load, type SecureLoad } from './h2load.ts'
import { type LoadResult, runForJson } from './load.ts'
import { type Lane, startProgram } from './peers/peer.ts'
import { weir } from './peers/weir.ts'
import { onCore } from './pin.ts'
import { type Sample, type Table, toRows } from './rows.ts'
import type { Bench } from './special.ts'
import { cpuMs } from './usage.ts'

const certificates = fileURLToPath(new URL('../test/support/certificates/', import.meta.url))
const certificate = path.join(certificates, 'a-ecdsa.crt')
const key = path.join(certificates, 'a-ecdsa.key')
// The certificate is for it.
const host = 'a.test'
const mebibyte = 1024 * 1024

interface Measure {
  readonly name: string
  readonly title: string
  readonly upstream: 'small' | 'raw' | 'grpc'
  readonly peers: readonly ('weir' | 'nginx' | 'envoy')[]
  readonly bodyBytes?: number
  run(port: number, seconds: number): Promise<LoadResult>
}

const h2load = (load: Omit<SecureLoad, 'port' | 'host' | 'seconds'>): Measure['run'] => {
  return (port, seconds) => runH2load({ ...load, port, host, seconds })
}

const handshakes = (resumes: boolean): Measure['run'] => {
  return async (port, seconds) => {
    const task = JSON.stringify({ port, host, connections: 8, seconds, resumes })
    const program = fileURLToPath(new URL('tls-load.ts', import.meta.url))
    const result: LoadResult & { readonly resumed: number } = JSON.parse(
      await runForJson(process.execPath, [program, task]),
    )
    const share = result.resumed / Math.max(1, result.requests)
    if (resumes ? share < 0.9 : share > 0) throw new Error(`${share} of the connections resumed`)
    return result
  }
}

const call = makeFolder('bench-call', {})
const callFile = path.join(call, 'call')
writeFileSync(callFile, Buffer.from([0, 0, 0, 0, 5, 0x68, 0x65, 0x6c, 0x6c, 0x6f]))

const measures: readonly Measure[] = [
  {
    name: 'tls-h2',
    title: 'small GET, HTTP/2 over TLS, 8 connections × 16 streams',
    upstream: 'small',
    peers: ['weir', 'nginx'],
    run: h2load({ path: '/', protocol: 'h2', connections: 8, streams: 16 }),
  },
  {
    name: 'tls-h1',
    title: 'small GET, HTTP/1.1 over TLS, 64 keep-alive connections',
    upstream: 'small',
    peers: ['weir', 'nginx'],
    run: h2load({ path: '/', protocol: 'http/1.1', connections: 64, streams: 1 }),
  },
  {
    name: 'tls-handshake',
    title: 'a full handshake (ECDSA P-256) and one small GET each',
    upstream: 'small',
    peers: ['weir', 'nginx'],
    run: handshakes(false),
  },
  {
    name: 'tls-resumed',
    title: 'a resumed handshake and one small GET each',
    upstream: 'small',
    peers: ['weir', 'nginx'],
    run: handshakes(true),
  },
  {
    name: 'tls-down-1m',
    title: '1 MiB downloads, HTTP/1.1 over TLS',
    upstream: 'raw',
    peers: ['weir', 'nginx'],
    bodyBytes: mebibyte,
    run: h2load({ path: `/bytes/${mebibyte}`, protocol: 'http/1.1', connections: 16, streams: 1 }),
  },
  {
    name: 'grpc',
    title: 'unary gRPC calls, HTTP/2 over TLS to HTTP/2 in clear, 8 connections × 16 streams',
    upstream: 'grpc',
    peers: ['weir', 'envoy', 'nginx'],
    run: h2load({
      ...{ path: '/bench.Echo/Say', protocol: 'h2', connections: 8, streams: 16 },
      bodyFile: callFile,
      fields: ['content-type: application/grpc', 'te: trailers'],
    }),
  },
]

/** Names of the scenarios here. */
export const secureScenarios = measures.map(({ name }) => name)

/** Runs one of `secureScenarios`; `h2load` (Debian: nghttp2-client) makes most of the load. */
export async function secure(name: string, bench: Bench): Promise<Table> {
  const measure = measures.find((each) => each.name === name)
  if (measure === undefined) throw new Error(`no scenario ${name}`)
  const { title } = measure
  const reference = measure.peers.includes('envoy') ? 'envoy' : 'nginx'
  if (findProgram('h2load') === undefined) {
    return { scenario: name, title, rows: [], notes: ['left out: no h2load'] }
  }
  const grpcPort = await freePort()
  const program = fileURLToPath(new URL('grpc-upstream.ts', import.meta.url))
  const command = onCore('load', [process.execPath, program, String(grpcPort)])
  const [first = '', ...rest] = command
  const grpc = spawnProgram(first, rest, makeFolder('grpc', {}))
  await waitForPort(grpcPort, grpc)
  const ports = { small: bench.smallPort, raw: bench.upstreamPorts[0] ?? 0, grpc: grpcPort }
  const samples = new Map<string, Sample[]>()
  const notes: string[] = []
  const lanes: { readonly name: string; readonly lane: Lane }[] = []
  try {
    for (const peer of measure.peers) {
      if (starters[peer].isMissing()) notes.push(`left out: no ${peer}`)
      else
        lanes.push({
          name: peer,
          lane: await starters[peer].start(ports[measure.upstream], measure),
        })
    }
    for (const { lane } of lanes) await measure.run(lane.port, 2)
    for (let round = 0; round < bench.rounds; round++) {
      for (const { name: peer, lane } of lanes) {
        const sample = await sampleOf(lane, measure, bench.seconds)
        samples.set(peer, [...(samples.get(peer) ?? []), sample])
      }
    }
  } finally {
    for (const { lane } of lanes) await lane.stop()
    await grpc.stop()
  }
  return { scenario: name, title, rows: toRows(samples, reference, reference), notes }
}

async function sampleOf(
  lane: Lane,
  { run, bodyBytes = 0 }: Measure,
  seconds: number,
): Promise<Sample> {
  const before = cpuMs(lane.pid)
  const result = await run(lane.port, seconds)
  const cpu = Math.max(1, cpuMs(lane.pid) - before)
  return {
    perSecond: result.requests / result.seconds,
    ...{ p50Ms: result.p50Ms, p99Ms: result.p99Ms, p999Ms: result.p999Ms },
    failures: result.failures,
    cpuUs: (cpu * 1000) / Math.max(1, result.requests),
    mibPerCpuSecond: bodyBytes === 0 ? 0 : result.bytes / mebibyte / (cpu / 1000),
    residentMib: residentKib(lane.pid) / 1024,
  }
}

interface Starter {
  isMissing(): boolean
  start(upstreamPort: number, measure: Measure): Promise<Lane>
}

const starters: Readonly<Record<Measure['peers'][number], Starter>> = {
  weir: {
    isMissing: () => false,
    start: (upstreamPort, { upstream }) =>
      weir('weir', 'off').start({
        upstreamPort,
        routes: 1,
        hosts: [host],
        isSecure: true,
        objects: [secret()],
        annotations: [
          upstream === 'grpc' ? { 'nginx.ingress.kubernetes.io/backend-protocol': 'GRPC' } : {},
        ],
      }),
  },
  nginx: {
    isMissing: () => findProgram('nginx') === undefined,
    start: async (upstreamPort, { upstream }) => {
      const port = await freePort()
      const command = ['nginx', '-p', 'FOLDER', '-c', 'FOLDER/nginx.conf']
      return startProgram(command, port, {
        'nginx.conf': nginxConfig(port, upstreamPort, upstream),
      })
    },
  },
  envoy: {
    isMissing: () => findEnvoy() === undefined,
    start: async (upstreamPort) => {
      const port = await freePort()
      const flags = ['--concurrency', '1', '--disable-hot-restart', '-l', 'error']
      const command = [findEnvoy() ?? 'envoy', '-c', 'FOLDER/envoy.json', ...flags]
      return startProgram(command, port, { 'envoy.json': envoyConfig(port, upstreamPort) })
    },
  },
}

function secret() {
  const base64 = (file: string) => readFileSync(file).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: 'tls', namespace: 'bench' },
    data: { 'tls.crt': base64(certificate), 'tls.key': base64(key) },
  }
}

function nginxConfig(port: number, upstreamPort: number, upstream: Measure['upstream']): string {
  const pass =
    upstream === 'grpc'
      ? 'grpc_set_header X-Forwarded-For $remote_addr; grpc_pass grpc://up;'
      : `proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Request-Id $request_id;`
  return `daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log stderr crit;
events { worker_connections 20000; }
http {
  access_log off; keepalive_requests 10000000; http2_max_concurrent_streams 128; proxy_max_temp_file_size 0;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:SSL:10m; ssl_session_tickets on;
  ssl_certificate ${certificate}; ssl_certificate_key ${key};
  upstream up { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 10000000; }
  server { listen 127.0.0.1:${port} ssl http2 backlog=4096; server_name ${host}; location / { ${pass} } }
}
`
}

function envoyConfig(port: number, upstreamPort: number): string {
  const type = (name: string) => `type.googleapis.com/envoy.extensions.${name}`
  const address = (of: number) => ({ socket_address: { address: '127.0.0.1', port_value: of } })
  const manager = {
    '@type': type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'in',
    codec_type: 'HTTP2',
    use_remote_address: true,
    route_config: {
      virtual_hosts: [
        {
          name: host,
          domains: [host, `${host}:*`],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s' } }],
        },
      ],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': type('filters.http.router.v3.Router') },
      },
    ],
  }
  const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: manager }
  const tls = {
    '@type': type('transport_sockets.tls.v3.DownstreamTlsContext'),
    common_tls_context: {
      alpn_protocols: ['h2'],
      tls_certificates: [
        { certificate_chain: { filename: certificate }, private_key: { filename: key } },
      ],
    },
  }
  const chain = {
    filters: [filter],
    transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: tls },
  }
  const options = {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': type('upstreams.http.v3.HttpProtocolOptions'),
      explicit_http_config: { http2_protocol_options: {} },
    },
  }
  const endpoint = { endpoint: { address: address(upstreamPort) } }
  const thresholds = [
    { max_connections: 20_000, max_requests: 20_000, max_pending_requests: 20_000 },
  ]
  return JSON.stringify({
    static_resources: {
      listeners: [{ name: 'in', address: address(port), filter_chains: [chain] }],
      clusters: [
        {
          ...{ name: 'up', type: 'STATIC', circuit_breakers: { thresholds } },
          typed_extension_protocol_options: options,
          load_assignment: { cluster_name: 'up', endpoints: [{ lb_endpoints: [endpoint] }] },
        },
      ],
    },
  })
}
