// What the demo prints once it serves: what runs where, and commands that work as printed. Pure.
import type { DemoUpstream } from './upstreams.ts'

/** Facts of a demo that serves. */
export interface DemoFacts {
  /** `host:port` of the data port, as the proxy reports it. */
  readonly listen: string
  /** `host:port` of the admin port. */
  readonly admin: string
  readonly upstreams: readonly DemoUpstream[]
  /** The folder of manifests that is followed. */
  readonly manifests: string
}

interface Example {
  readonly shows: string
  readonly curl: string
}

/** Writes the whole text. */
export function guideText(facts: DemoFacts): string {
  const data = urlOf(facts.listen)
  const admin = urlOf(facts.admin)
  const upstreams = facts.upstreams.map(({ service, port }) => `${service} :${port}`).join(', ')
  return `
Weir runs.
  proxy      ${data}
  admin      ${admin}  (/metrics /healthz /readyz /routes)
  upstreams  ${upstreams}
  manifests  ${facts.manifests}  (edit them: the routes follow within a second)

In another terminal:
${examples(data, admin).map(exampleText).join('')}
Ctrl-C ends the demo. Other ports: npm start -- --listen :8080 --admin :8081

`
}

function exampleText({ shows, curl }: Example): string {
  return `
  # ${shows}
  curl ${curl}
`
}

function examples(data: string, admin: string): Example[] {
  const shop = "-H 'Host: shop.localhost'"
  const api = "-H 'Host: api.localhost'"
  const upgrade = [
    "-H 'Connection: Upgrade'",
    "-H 'Upgrade: websocket'",
    "-H 'Sec-WebSocket-Version: 13'",
    "-H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='",
  ].join(' ')
  return [
    { shows: 'two hosts: the shop', curl: `${shop} ${data}/` },
    { shows: 'and the API, which shows what it receives', curl: `${api} ${data}/v1/hello` },
    { shows: 'a prefix path', curl: `${shop} ${data}/cart/items` },
    { shows: 'an exact path inside it, served by the API', curl: `${shop} ${data}/cart/total` },
    { shows: 'no route: 404', curl: `-i ${api} ${data}/v2` },
    {
      shows: 'a clock, one server-sent event per second (without ?events=5 it never ends)',
      curl: `-N ${api} '${data}/clock?events=5'`,
    },
    {
      shows: 'a WebSocket echo: 101 Switching Protocols (curl gives up after 2 s of silence)',
      curl: `-i -N --max-time 2 ${api} ${upgrade} ${data}/echo`,
    },
    {
      shows: 'a deliberate conflict: two Ingresses want shop.localhost/cart, the older one has it',
      curl: `'${admin}/routes?problems'`,
    },
    { shows: 'all routes', curl: `${admin}/routes` },
    { shows: 'metrics for Prometheus', curl: `${admin}/metrics` },
  ]
}

/** A URL that this machine can open: a wildcard address is no destination everywhere. */
function urlOf(hostPort: string): string {
  const at = hostPort.lastIndexOf(':')
  const host = hostPort.slice(0, at)
  const known = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' }[host]
  return `http://${known ?? host}${hostPort.slice(at)}`
}
