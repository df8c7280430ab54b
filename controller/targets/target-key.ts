// How a target is recognised: one spelling per address, whoever wrote it (AWS, kubelet, a person).
import { formatHostPort } from '../../shared/host-port.ts'
import { normaliseAddress } from '../../shared/ip-address.ts'

/** Builds the key of a target from its id (address or instance id) and port. */
export function targetKey(id: string, port: number): string {
  return formatHostPort(canonicalId(id), port)
}

/** Writes an address in its one form (RFC 5952); other ids are returned as they are. */
export function canonicalId(id: string): string {
  return normaliseAddress(id) ?? id
}
