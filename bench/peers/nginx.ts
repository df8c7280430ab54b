// nginx: one worker, keep-alive upstreams, the forwarded fields that Weir sets too.
import { findProgram, freePort } from '../../test/support/programs.ts'
import { hostNames, type Peer, type Setup, startProgram } from './peer.ts'

function config(port: number, setup: Setup): string {
  const servers = hostNames(setup).map(
    (name) =>
      `server { listen 127.0.0.1:${port}; server_name ${name}; location / { proxy_pass http://up; } }`,
  )
  return `daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log stderr crit;
events { worker_connections 20000; }
http {
  access_log off; server_names_hash_max_size 262144; server_names_hash_bucket_size 128;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream up { server 127.0.0.1:${setup.upstreamPort}; keepalive 128; keepalive_requests 10000000; }
  keepalive_requests 10000000; client_max_body_size 0;
  proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering on; proxy_max_temp_file_size 0;
  proxy_set_header Host $http_host; proxy_set_header Connection $connection_upgrade; proxy_set_header Upgrade $http_upgrade;
  proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Request-Id $request_id;
  server { listen 127.0.0.1:${port} default_server backlog=4096; return 404; }
  ${servers.join('\n  ')}
}
`
}

/** nginx of the distribution. */
export const nginx: Peer = {
  name: 'nginx',
  missing: () => (findProgram('nginx') === undefined ? 'not on the PATH' : undefined),
  hasRoutes: true,
  start: async (setup) => {
    const port = await freePort()
    const command = ['nginx', '-p', 'FOLDER', '-c', 'FOLDER/nginx.conf']
    return startProgram(command, port, { 'nginx.conf': config(port, setup) })
  },
}
