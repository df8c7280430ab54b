// Does the group speak what the proxies do? They speak plain HTTP on the data port, HTTP/2 only with --h2c: TLS ends at the load balancer.
// If not, every single request fails, or every health check, and nothing but the connections' first bytes shows why.
import type { GroupFacts } from '../world.ts'

type Spoken = Pick<GroupFacts, 'protocol' | 'protocolVersion' | 'healthCheckProtocol' | 'balancer'>

/** What the proxies speak on the data port. */
interface Proxies {
  readonly allowsHttp2: boolean
}

/** One thing that a group may say and the proxies do not understand. */
interface Row {
  readonly isForeign: (group: Spoken, proxies: Proxies) => boolean
  /** The end of "target group X …". */
  readonly says: (group: Spoken) => string
  /** What the operator does; AWS changes neither protocol nor version of a group that exists. */
  readonly remedy: (group: Spoken, proxies: Proxies) => string
}

const rows: readonly Row[] = [
  {
    isForeign: opensTls,
    says: ({ protocol }) => `opens TLS to its targets (protocol ${protocol})`,
    remedy: newGroup,
  },
  {
    isForeign: (group, { allowsHttp2 }) => speaksHttp2(group) && !allowsHttp2,
    says: ({ protocolVersion }) =>
      `speaks HTTP/2 to its targets (protocol version ${protocolVersion})`,
    remedy: (group, proxies) =>
      opensTls(group)
        ? newGroup(group, proxies)
        : `start the proxies with --h2c, or ${newGroup(group, proxies)}`,
  },
  {
    isForeign: ({ healthCheckProtocol }) => healthCheckProtocol === 'HTTPS',
    says: () => 'checks health over TLS (health check protocol HTTPS)',
    remedy: () => 'set its health check protocol to HTTP',
  },
]

function opensTls({ protocol }: Spoken): boolean {
  return protocol === 'HTTPS' || protocol === 'TLS'
}

/** Tells whether a group needs proxies that allow HTTP/2 on the data port. */
export function speaksHttp2({ protocolVersion }: Pick<GroupFacts, 'protocolVersion'>): boolean {
  return protocolVersion === 'HTTP2' || protocolVersion === 'GRPC'
}

function newGroup(group: Spoken, { allowsHttp2 }: Proxies): string {
  const version = allowsHttp2 && speaksHttp2(group) ? group.protocolVersion : 'HTTP1'
  const protocol =
    group.balancer === 'application' ? `protocol HTTP and version ${version}` : 'protocol TCP'
  return `create a group of ${protocol}, forward the listener to it and name it in --target-group`
}

/**
 * Says what does not fit, in one sentence with the remedy; undefined when all is well. `port` is the proxies' data port,
 * `allowsHttp2`: all that are known allow HTTP/2 there.
 */
export function targetProtocolMismatch(
  group: GroupFacts,
  port: number,
  allowsHttp2: boolean,
): string | undefined {
  const proxies = { allowsHttp2 }
  const found = rows.filter(({ isForeign }) => isForeign(group, proxies))
  if (found.length === 0) return undefined
  const says = found.map((row) => row.says(group)).join(' and ')
  const remedies = new Set(found.map((row) => row.remedy(group, proxies)))
  const spoken = allowsHttp2 ? 'plain HTTP' : 'plain HTTP/1.1'
  return `target group ${group.name} ${says}, and the proxies speak ${spoken} on port ${port}: ${[...remedies].join(', and ')}`
}
