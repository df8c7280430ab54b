// Do the group and the proxies agree about the PROXY protocol? If not, every single request fails.
import type { ProxyProtocolMode } from '../../shared/control-socket.ts'
import type { GroupEntry } from './group-directory.ts'

/** Says what does not fit, in one sentence with the remedy; undefined when all is well or no proxy is known. */
export function proxyProtocolMismatch(
  { facts, attributes }: GroupEntry,
  modes: readonly ProxyProtocolMode[],
): string | undefined {
  if (facts === undefined) return undefined
  const isSent = attributes.get('proxy_protocol_v2.enabled') === 'true'
  if (isSent && modes.includes('off')) {
    return `target group ${facts.name} sends PROXY v2 headers (proxy_protocol_v2.enabled) and the proxies do not expect them: start them with --proxy-protocol required, or switch the attribute off`
  }
  if (!isSent && modes.includes('required')) {
    return `the proxies require a PROXY header and target group ${facts.name} sends none: set its attribute proxy_protocol_v2.enabled (NLB only), or start the proxies with --proxy-protocol optional or off`
  }
  return undefined
}

/** Tells how the proxies learn client addresses through this group, for the log. */
export function clientAddressSource({ facts, attributes }: GroupEntry): string {
  if (facts?.balancer === 'application') return 'X-Forwarded-For'
  if (attributes.get('proxy_protocol_v2.enabled') === 'true') return 'PROXY v2 header'
  return attributes.get('preserve_client_ip.enabled') === 'true'
    ? 'connection (preserve_client_ip)'
    : 'none: the proxies see the addresses of the load balancer'
}
