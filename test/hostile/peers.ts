// The peers that the hostile cases are compared with, each with the settings a careful operator of an edge would give it:
// streaming both ways, client facts overwritten, keep-alive pools, WebSocket open.
import path from 'node:path'
import {
  findEnvoy,
  findProgram,
  freePort,
  makeFolder,
  type RunningProxy,
  running,
  spawnProgram,
  waitForPort,
} from '../support/programs.ts'
import type { Service } from './recorder.ts'
import { fixtureRoutes, type Target, type Timeouts } from './target.ts'

type Upstreams = ReadonlyMap<Service, number>

const hosts = [...new Set(fixtureRoutes.map((route) => route.host))]
const routesOf = (host: string) =>
  fixtureRoutes
    .filter((route) => route.host === host)
    .toSorted((a, b) => b.path.length - a.path.length)

async function launch(
  command: string,
  args: (folder: string) => readonly string[],
  port: number,
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<RunningProxy> {
  const folder = makeFolder(name, files)
  const spawned = spawnProgram(command, args(folder), folder)
  await waitForPort(port, spawned)
  return running(spawned, port)
}

/** Writes nginx's configuration for the fixture. */
export function nginxConfig(port: number, upstreams: Upstreams, times: Timeouts): string {
  const pools = [...upstreams].map(
    ([service, upstream]) =>
      `upstream ${service} { server 127.0.0.1:${upstream} max_fails=0; keepalive 16; }`,
  )
  const servers = hosts.map((host) => {
    const locations = routesOf(host).flatMap(({ path: prefix, service }) =>
      prefix === '/'
        ? [`location / { proxy_pass http://${service}; }`]
        : [
            `location = ${prefix} { proxy_pass http://${service}; }`,
            `location ${prefix}/ { proxy_pass http://${service}; }`,
          ],
    )
    return `server { listen 127.0.0.1:${port}; server_name ${host}; ${locations.join(' ')} }`
  })
  return `daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  client_header_timeout ${times.headerMs}ms; client_body_timeout ${times.bodyIdleMs}ms; send_timeout ${times.writeStallMs}ms;
  keepalive_timeout ${times.keepAliveMs}ms; proxy_read_timeout ${times.responseMs}ms; proxy_connect_timeout 2s;
  client_max_body_size 0; large_client_header_buffers 4 16k; proxy_buffer_size 32k; proxy_buffers 8 32k; proxy_busy_buffers_size 64k;
  proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off; keepalive_requests 1000000;
  proxy_set_header Host $http_host; proxy_set_header Connection $connection_upgrade; proxy_set_header Upgrade $http_upgrade;
  proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header Forwarded "";
  ${pools.join('\n  ')}
  server { listen 127.0.0.1:${port} default_server; return 404; }
  ${servers.join('\n  ')}
}
`
}

const nginx: Target = {
  name: 'nginx',
  missing: () => (findProgram('nginx') === undefined ? 'nginx is not on the PATH' : undefined),
  start: async (upstreams, times) => {
    const port = await freePort()
    const files = { 'nginx.conf': nginxConfig(port, upstreams, times) }
    const args = (folder: string) => ['-p', folder, '-c', path.join(folder, 'nginx.conf')]
    return launch('nginx', args, port, 'nginx', files)
  },
}

/** Writes HAProxy's configuration for the fixture. */
export function haproxyConfig(port: number, upstreams: Upstreams, times: Timeouts): string {
  const rules = fixtureRoutes
    .toSorted((a, b) => b.path.length - a.path.length)
    .map(({ host, path: prefix, service }) => {
      const name = `{ req.hdr(host),field(1,:),lower -m str ${host} ${host}. }`
      const under = prefix === '/' ? '' : ` { path -m reg ^${prefix}(/|$) }`
      return `  use_backend ${service} if ${name}${under}`
    })
  const backends = [...upstreams].map(
    ([service, upstream]) =>
      `backend ${service}\n  http-reuse always\n  server s 127.0.0.1:${upstream}`,
  )
  return `global
  nbthread 1
  maxconn 4000
  tune.bufsize 65536
defaults
  mode http
  option http-keep-alive
  retries 1
  retry-on conn-failure empty-response
  timeout connect 2s
  timeout http-request ${times.headerMs}ms
  timeout client ${times.bodyIdleMs}ms
  timeout server ${times.responseMs}ms
  timeout tunnel 60s
  timeout http-keep-alive ${times.keepAliveMs}ms
frontend f
  bind 127.0.0.1:${port}
  http-request del-header X-Forwarded-For
  http-request del-header Forwarded
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-Proto http
  option forwardfor
${rules.join('\n')}
  default_backend none
backend none
  http-request return status 404
${backends.join('\n')}
`
}

const haproxy: Target = {
  name: 'haproxy',
  missing: () => (findProgram('haproxy') === undefined ? 'haproxy is not on the PATH' : undefined),
  start: async (upstreams, times) => {
    const port = await freePort()
    const files = { 'haproxy.cfg': haproxyConfig(port, upstreams, times) }
    const args = (folder: string) => ['-db', '-f', path.join(folder, 'haproxy.cfg')]
    return launch('haproxy', args, port, 'haproxy', files)
  },
}

/** Writes a Caddyfile for the fixture. */
export function caddyConfig(port: number, upstreams: Upstreams, times: Timeouts): string {
  const sites = hosts.map((host) => {
    const handles = routesOf(host).map(({ path: prefix, service }) => {
      const proxy = `reverse_proxy 127.0.0.1:${upstreams.get(service)} {
      flush_interval -1
      header_up X-Real-IP {remote_host}
      header_up -Forwarded
      transport http {
        compression off
        response_header_timeout ${times.responseMs}ms
      }
    }`
      const matcher = prefix === '/' ? '' : `@${service} path ${prefix} ${prefix}/*\n    `
      return `${matcher}handle ${prefix === '/' ? '' : `@${service} `}{
    ${proxy}
    }`
    })
    return `http://${host}:${port}, http://${host}.:${port} {\n  bind 127.0.0.1\n  ${handles.join('\n  ')}\n}`
  })
  return `{
  admin off
  auto_https off
  log { 
    output discard
  }
  servers {
    protocol {
      strict_sni_host
    }
    timeouts {
      read_header ${times.headerMs}ms
      read_body ${times.bodyIdleMs}ms
      write ${times.writeStallMs}ms
      idle ${times.keepAliveMs}ms
    }
  }
}
${sites.join('\n')}
http://:${port} {
  bind 127.0.0.1
  respond 404
}
`
}

const caddy: Target = {
  name: 'caddy',
  missing: () => (findProgram('caddy') === undefined ? 'caddy is not on the PATH' : undefined),
  start: async (upstreams, times) => {
    const port = await freePort()
    const files = { Caddyfile: caddyConfig(port, upstreams, times) }
    const args = (folder: string) => [
      'run',
      '--config',
      path.join(folder, 'Caddyfile'),
      '--adapter',
      'caddyfile',
    ]
    return launch('caddy', args, port, 'caddy', files)
  },
}

const seconds = (ms: number) => `${ms / 1000}s`

/** Writes Envoy's bootstrap with the settings of its edge guide; YAML is a superset of this JSON. */
export function envoyConfig(port: number, upstreams: Upstreams, times: Timeouts): string {
  const cluster = (service: string, upstream: number) => ({
    name: service,
    connect_timeout: '2s',
    type: 'STATIC',
    load_assignment: {
      cluster_name: service,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(upstream) } }] }],
    },
  })
  const virtualHosts = hosts.map((host) => ({
    name: host,
    domains: [host, `${host}:*`, `${host}.`, `${host}.:*`],
    routes: routesOf(host).map(({ path: prefix, service }) => ({
      match: prefix === '/' ? { prefix } : { path_separated_prefix: prefix },
      route: {
        cluster: service,
        timeout: '0s',
        retry_policy: { retry_on: 'reset-before-request' },
      },
    })),
  }))
  const manager = {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'in',
    use_remote_address: true,
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT',
    common_http_protocol_options: {
      headers_with_underscores_action: 'REJECT_REQUEST',
      idle_timeout: seconds(times.keepAliveMs),
    },
    request_headers_timeout: seconds(times.headerMs),
    stream_idle_timeout: seconds(Math.min(times.bodyIdleMs, times.responseMs)),
    upgrade_configs: [{ upgrade_type: 'websocket' }],
    route_config: {
      virtual_hosts: virtualHosts,
      request_headers_to_remove: ['forwarded', 'x-real-ip'],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
        },
      },
    ],
  }
  return JSON.stringify({
    static_resources: {
      listeners: [
        {
          name: 'in',
          address: socketAddress(port),
          filter_chains: [
            {
              filters: [
                { name: 'envoy.filters.network.http_connection_manager', typed_config: manager },
              ],
            },
          ],
        },
      ],
      clusters: [...upstreams].map(([service, upstream]) => cluster(service, upstream)),
    },
  })
}

const socketAddress = (port: number) => ({
  socket_address: { address: '127.0.0.1', port_value: port },
})

const envoy: Target = {
  name: 'envoy',
  missing: () => (findEnvoy() === undefined ? 'envoy is not on the PATH' : undefined),
  start: async (upstreams, times) => {
    const port = await freePort()
    const files = { 'envoy.json': envoyConfig(port, upstreams, times) }
    const args = (folder: string) => [
      ...['-c', path.join(folder, 'envoy.json'), '--concurrency', '1', '--disable-hot-restart'],
      ...['-l', 'error'],
    ]
    return launch(findEnvoy() ?? 'envoy', args, port, 'envoy', files)
  },
}

/** The peers, in the order of the table. */
export const peers: readonly Target[] = [nginx, haproxy, caddy, envoy]
