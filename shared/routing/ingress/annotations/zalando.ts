// The annotations of Skipper and of kube-ingress-aws-controller.
// Skipper drops a whole Ingress that it cannot read; Weir closes its routes when what is lost may protect something.

import type { Balance } from '../../backend.ts'
import type { UpstreamProtocol } from '../../upstreams/upstream-protocol.ts'
import { type Family, guarded, refused, supported, unsupported } from './row.ts'
import { ask } from './settings.ts'
import { parseBool, parseChoice, parseRedirectStatus } from './values.ts'

const balances: Readonly<Record<string, Balance>> = {
  roundRobin: { kind: 'round-robin' },
  leastRequests: { kind: 'least-requests' },
  powerOfRandomNChoices: { kind: 'least-requests' },
  consistentHash: { kind: 'hash', key: { from: 'address' } },
}
const atBalancer = 'Weir does not create load balancers: set it on the one in front of Weir.'

/** `zalando.org/`. */
export const zalando: Family = {
  prefix: 'zalando.org/',
  rows: [
    guarded(
      'skipper-ingress-redirect',
      'bool',
      'Clients that came by http are redirected to https. Differs: only an explicit "true" counts (Skipper redirects by default).',
      parseBool,
      (sslRedirect) => ({ sslRedirect, tlsRedirect: false }),
    ),
    supported(
      'skipper-ingress-redirect-code',
      '301, 302, 303, 307, 308',
      'Status of the redirect to https; 308 when absent.',
      parseRedirectStatus,
      (sslRedirectStatus) => ({ sslRedirectStatus }),
    ),
    supported(
      'skipper-loadbalancer',
      '`roundRobin`, `leastRequests`, `powerOfRandomNChoices`, `consistentHash`',
      'How an endpoint is chosen; `consistentHash` goes by the client address. random and weightedRoundRobin are not supported: round robin serves.',
      parseChoice(balances),
      ask('balance', (balance: Balance) => balance),
    ),
    guarded(
      'skipper-backend-protocol',
      '`http`, `https`',
      'What endpoints speak. https is verified: the certificate must be for `SERVICE.NAMESPACE.svc`, by an authority that Node or `NODE_EXTRA_CA_CERTS` knows. fastcgi is not supported.',
      parseChoice<UpstreamProtocol>({ http: 'http', https: 'https' }),
      (upstreamProtocol) => ({ upstreamProtocol }),
    ),
    supported(
      'skipper-ingress-path-mode',
      '`path-prefix`',
      'ImplementationSpecific paths are prefixes by whole segments. The modes kubernetes-ingress and path-regexp are not supported: their paths are taken literally.',
      parseChoice({ 'path-prefix': true }),
      () => ({}),
    ),
    refused(
      'skipper-filter',
      'eskip',
      'Not read in Skipper’s words, and may authenticate, limit or deny: use the `weir.dev/` keys.',
    ),
    {
      ...refused(
        'skipper-predicate',
        'eskip',
        'Not read in Skipper’s words, and may keep clients out: use `weir.dev/match-header` and its like, and `weir.dev/allow-source-ranges`.',
      ),
      narrows: true,
    },
    refused(
      'skipper-routes',
      'eskip',
      'Not read in Skipper’s words, and may deny: write Ingresses for them, with `weir.dev/match-header` and its like.',
    ),
    refused('ratelimit', 'eskip', 'Not read in Skipper’s words: use `weir.dev/rate-limit`.'),
    unsupported('skipper-backend', '`forward`', 'Forwarding to another cluster is not supported.'),
    unsupported(
      'backend-weights',
      'JSON',
      'Not read in Skipper’s words, and the first backend of a path serves: use `weir.dev/weights`.',
    ),
    unsupported(
      'traffic-zone-aware',
      'bool',
      'The Service says whether its zone goes first: set its `trafficDistribution: PreferClose`.',
      ['false'],
    ),
    refused(
      'aws-load-balancer-scheme',
      '`internal`, `internet-facing`',
      'Weir stands behind one load balancer: an Ingress that must be internal needs a Weir behind an internal one.',
      ['internet-facing'],
    ),
    refused(
      'aws-load-balancer-security-group',
      'id',
      `A security group may keep clients out. ${atBalancer}`,
    ),
    refused('aws-waf-web-acl-id', 'id or ARN', `A web ACL may keep clients out. ${atBalancer}`),
    unsupported('aws-load-balancer-ssl-cert', 'ARN', atBalancer),
    unsupported('aws-load-balancer-ssl-policy', 'name', atBalancer),
    unsupported('aws-load-balancer-shared', 'bool', atBalancer, ['true']),
    unsupported('aws-load-balancer-type', '`nlb`, `alb`', atBalancer),
    unsupported('aws-load-balancer-http2', 'bool', atBalancer),
  ],
}
