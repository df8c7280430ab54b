// Which addresses does nothing go to that an Ingress asks for? Those of a link, where the metadata services of clouds are.
import { createCidrSet } from '../../../shared/cidr.ts'

// RFC 3927, RFC 4291 §2.5.6, and what EC2 serves to its instances in IPv6: metadata, credentials of pods.
export const linkOnly = createCidrSet(['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::/32'])
