// Does the group speak what the proxies speak? They speak plain HTTP/1.1 on the data port: TLS ends at the load balancer.
// If not, every single request fails, or every health check, and nothing but the connections' first bytes shows why.
import type { GroupFacts } from '../world.ts'

type Spoken = Pick<GroupFacts, 'protocol' | 'protocolVersion' | 'healthCheckProtocol' | 'balancer'>

/** One thing that a group may say and the proxies do not understand. */
interface Row {
  readonly isSpoken: (group: Spoken) => boolean
  /** The end of "target group X …". */
  readonly says: (group: Spoken) => string
  /** What the operator does; AWS changes neither protocol nor version of a group that exists. */
  readonly remedy: (group: Spoken) => string
}

const rows: readonly Row[] = [
  {
    isSpoken: ({ protocol }) => protocol === 'HTTPS' || protocol === 'TLS',
    says: ({ protocol }) => `opens TLS to its targets (protocol ${protocol})`,
    remedy: ({ balancer }) => newGroup(balancer),
  },
  {
    isSpoken: ({ protocolVersion }) => protocolVersion === 'HTTP2' || protocolVersion === 'GRPC',
    says: ({ protocolVersion }) =>
      `speaks HTTP/2 to its targets (protocol version ${protocolVersion})`,
    remedy: ({ balancer }) => newGroup(balancer),
  },
  {
    isSpoken: ({ healthCheckProtocol }) => healthCheckProtocol === 'HTTPS',
    says: () => 'checks health over TLS (health check protocol HTTPS)',
    remedy: () => 'set its health check protocol to HTTP',
  },
]

function newGroup(balancer: GroupFacts['balancer']): string {
  const protocol = balancer === 'application' ? 'protocol HTTP and version HTTP1' : 'protocol TCP'
  return `create a group of ${protocol}, forward the listener to it and name it in --target-group`
}

/** Says what does not fit, in one sentence with the remedy; undefined when all is well. `port` is the proxies' data port. */
export function targetProtocolMismatch(group: GroupFacts, port: number): string | undefined {
  const found = rows.filter(({ isSpoken }) => isSpoken(group))
  if (found.length === 0) return undefined
  const says = found.map((row) => row.says(group)).join(' and ')
  const remedies = new Set(found.map((row) => row.remedy(group)))
  return `target group ${group.name} ${says}, and the proxies speak plain HTTP/1.1 on port ${port}: ${[...remedies].join(', and ')}`
}
