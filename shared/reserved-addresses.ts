// Which addresses does nothing go to that an Ingress asks for?
import { createCidrSet } from './cidr.ts'

// RFC 3927, RFC 4291 §2.5.6, and what EC2 serves to its instances in IPv6: metadata, credentials of pods.
const ofLinks = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::/32']

/** Addresses of a link, where the metadata services of clouds are. */
export const linkOnly = createCidrSet(ofLinks)

/**
 * What is never asked unless the operator names it: links, this machine and what listens on it alone (RFC 1122 §3.2.1.3), groups,
 * the translation of IPv4 (RFC 6052), and metadata services that are not on a link (Azure, Alibaba Cloud, Oracle Cloud).
 */
export const neverUnasked = createCidrSet([
  ...ofLinks,
  '0.0.0.0/8',
  '127.0.0.0/24',
  '224.0.0.0/4',
  '168.63.129.16/32',
  '100.100.100.200/32',
  '192.0.0.192/32',
  '::/127',
  'ff00::/8',
  '64:ff9b::/96',
])
