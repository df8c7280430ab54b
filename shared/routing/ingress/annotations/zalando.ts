// The annotations of Skipper and of kube-ingress-aws-controller.
// Skipper drops a whole Ingress that it cannot read; Weir closes its routes when what is lost may protect something.

import type { Balance } from '../../backend.ts'
import type { UpstreamProtocol } from '../../upstreams/upstream-protocol.ts'
import type { Draft } from './draft.ts'
import { type Family, guarded, refused, type SupportedRow, supported, unsupported } from './row.ts'
import { ask } from './settings.ts'
import { parseBool, parseChoice, parseRedirectStatus } from './values.ts'
import { addFilters, addRoutes, forwardAll, narrowBy, shareBy } from './zalando-eskip.ts'

const balances: Readonly<Record<string, Balance>> = {
  roundRobin: { kind: 'round-robin' },
  leastRequests: { kind: 'least-requests' },
  powerOfRandomNChoices: { kind: 'least-requests' },
  random: { kind: 'round-robin' },
  weightedRoundRobin: { kind: 'round-robin' },
  consistentHash: { kind: 'hash', key: { from: 'address' } },
}
const atBalancer = 'Weir does not create load balancers: set it on the one in front of Weir.'

function eskipRow(key: string, meaning: string, read: SupportedRow['read']): SupportedRow {
  return { key, value: 'eskip', meaning, failsClosed: true, state: 'supported', read }
}

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
      '`roundRobin`, `random`, `weightedRoundRobin`, `leastRequests`, `powerOfRandomNChoices`, `consistentHash`',
      'How an endpoint is chosen; `consistentHash` goes by the client address or by consistentHashKey. `random` and `weightedRoundRobin` go in turn.',
      parseChoice(balances),
      ask('balance', (balance: Balance) => balance),
    ),
    guarded(
      'skipper-backend-protocol',
      '`http`, `https`, `h2c`',
      'What endpoints speak. https is verified: the certificate must be for `SERVICE.NAMESPACE.svc`, by an authority that Node or `NODE_EXTRA_CA_CERTS` knows. fastcgi is not supported.',
      parseChoice<UpstreamProtocol>({ http: 'http', https: 'https', h2c: 'h2c' }),
      (upstreamProtocol) => ({ upstreamProtocol }),
    ),
    supported(
      'skipper-ingress-path-mode',
      '`path-prefix`, `path-regexp`, `kubernetes-ingress`',
      'What ImplementationSpecific paths are: prefixes by whole segments, expressions that match anywhere in the path, or expressions that match from its beginning. Routes with expressions are asked after those with paths, as in Skipper.',
      parseChoice<Draft['pathMode'] | 'path-prefix'>({
        'path-prefix': 'path-prefix',
        'path-regexp': 'path-regexp',
        'kubernetes-ingress': 'kubernetes-ingress',
      }),
      (pathMode) => (pathMode === undefined || pathMode === 'path-prefix' ? {} : { pathMode }),
    ),
    eskipRow(
      'ratelimit',
      'Filters that go before those of `skipper-filter` (docs/skipper-filters.md).',
      addFilters,
    ),
    eskipRow(
      'skipper-filter',
      'Filters of all rules, in the order in which they are written; docs/skipper-filters.md says what becomes of each.',
      addFilters,
    ),
    {
      ...eskipRow(
        'skipper-predicate',
        'Predicates that requests of all rules must fit, too (docs/skipper-predicates.md); `Path` and `PathSubtree` replace the paths of the rules.',
        narrowBy,
      ),
      narrows: true,
    },
    eskipRow(
      'skipper-routes',
      'Routes beside those of the rules, for the host and at the path of each. One with a path of its own is left out; where it has filters or no upstream its path answers 503, as it may protect it.',
      addRoutes,
    ),
    {
      ...eskipRow(
        'skipper-backend',
        '`forward` sends all requests to `--forward-backend-url`, without the filters of the Ingress.',
        forwardAll,
      ),
      value: '`forward`',
      failsClosed: false,
    },
    {
      ...eskipRow(
        'backend-weights',
        'Weights by the names of Services, which share the requests where several rules of this Ingress have one path. None has a weight: equal shares.',
        shareBy,
      ),
      value: 'JSON',
      failsClosed: false,
    },
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
