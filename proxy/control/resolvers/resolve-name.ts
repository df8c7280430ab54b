// What does DNS say about one host? Both families, each address with its TTL.
//
// Names are absolute, as in the CNAME that cluster DNS makes of an ExternalName: no search domains, so that an allowed
// `db.example.com` can never become a Service of the cluster.
import { lookup, Resolver } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import type { ResolvedAddress } from './external-names.ts'

// c-ares' own limits would keep a refresh waiting for most of a minute.
const resolver = new Resolver({ timeout: 2000, tries: 2 })

/** TTL of `localhost`, which is no DNS name. */
const localTtlSeconds = 300

/**
 * Looks up the addresses of `host`; rejects with the resolver's error when there is no answer. IPv6 is asked for only
 * where this machine could reach it (RFC 3493 §6.1, AI_ADDRCONFIG), and its failure alone does not matter.
 */
export async function resolveName(host: string): Promise<readonly ResolvedAddress[]> {
  // RFC 6761 §6.3: never sent to DNS.
  if (host === 'localhost' || host.endsWith('.localhost')) {
    const { address } = await lookup('localhost', { order: 'ipv4first' })
    return [{ address, ttlSeconds: localTtlSeconds }]
  }
  const [v4, v6] = await Promise.allSettled([
    resolver.resolve4(host, { ttl: true }),
    hasIpv6() ? resolver.resolve6(host, { ttl: true }) : [],
  ])
  // A host that has IPv4 addresses must not lose them for a TTL because one question went unanswered.
  if (v4.status === 'rejected' && !(isAbsent(v4.reason) && v6.status === 'fulfilled')) {
    throw v4.reason
  }
  const records = [v4, v6].flatMap((found) => (found.status === 'fulfilled' ? found.value : []))
  if (records.length === 0 && v4.status === 'rejected') throw v4.reason
  return records.map(({ address, ttl }) => ({ address, ttlSeconds: ttl }))
}

function isAbsent(reason: unknown): boolean {
  if (!(reason instanceof Error) || !('code' in reason)) return false
  return reason.code === 'ENODATA' || reason.code === 'ENOTFOUND'
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(
      ({ family, internal, address }) =>
        family === 'IPv6' && !internal && !address.startsWith('fe80:'),
    ),
  )
}
