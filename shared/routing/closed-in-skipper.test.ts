// What may be kept by words of Skipper is never served by a broader route: neither where the words cannot be read nor where
// somebody else has words of more weight. Objects go through translation and router, without any socket.
import t from 'tap'
import type { Ingress, RouteGroup } from '../kube/objects.ts'
import { compileConditions } from './conditions/compile.ts'
import { readAnnotations } from './ingress/annotations/read.ts'
import { emptyRouter, selectRoute, updateRouter } from './router/router.ts'
import { entriesOf } from './sharded-map.ts'
import type { Route } from './table.ts'
import { backendOf, emptyCluster, plainOptions, snapshotOf } from './testing/cluster.ts'
import { requestView } from './testing/request-view.ts'
import { translate } from './translate.ts'

const filters = ['setRequestHeader("X-Guard", "1")']
const service = { name: 'a', type: 'service', serviceName: 'kept', servicePort: 80 }
const to = [{ backendName: 'a' }]
const broken = { path: '/broken', backends: [{ backendName: 'none' }] }

function group(routes: unknown, namespace = 'shop', hosts: unknown = ['h.test']): RouteGroup {
  const metadata = { namespace, name: 'group', creationTimestamp: '2025-01-01T00:00:00Z' }
  return {
    metadata,
    spec: { hosts, backends: [service, { name: 's', type: 'shunt' }], routes },
  } as RouteGroup
}

function ingress(
  path: string,
  annotations: Readonly<Record<string, string>> = {},
  name = 'open',
): Ingress {
  const named = Object.entries(annotations).map(([key, value]) => [`zalando.org/${key}`, value])
  const metadata = { namespace: 'shop', name, annotations: Object.fromEntries(named) }
  const pathType = path.startsWith('^') ? 'ImplementationSpecific' : 'Prefix'
  const rules = [
    { host: 'h.test', http: { paths: [{ path, pathType, backend: backendOf(name) }] } },
  ]
  return {
    metadata: {
      ...metadata,
      creationTimestamp: name === 'open' ? '2024-01-01T00:00:00Z' : '2023-01-01T00:00:00Z',
    },
    spec: { ingressClassName: 'weir', rules },
  }
}

/** What serves a request: `closed`, the name of a Service, or nothing. */
function servedBy(
  ingresses: readonly Ingress[],
  routeGroups: readonly RouteGroup[],
  path: string,
  draw = 0,
): string {
  const options = {
    ...plainOptions,
    readAnnotations,
    eskip: {},
    backendUrls: ['http://10.0.0.1:80'],
  }
  const { table } = translate(snapshotOf({ ...emptyCluster, ingresses, routeGroups }), options)
  const clock = { wallNow: () => 0, random: () => 0 }
  const rules = [...entriesOf(table.hosts)].map(([host, routes]) => {
    const rulesOf = routes.map((route: Route) => ({ ...route.match, host, value: route }))
    return [host, rulesOf] as const
  })
  const router = updateRouter(emptyRouter<Route>(), new Map(rules))
  const request = requestView({ host: 'h.test', path, draw })
  const route = selectRoute(router, 'h.test', path, ({ match }) =>
    (compileConditions(match.conditions, clock) ?? []).every((holds) => holds(request)),
  )
  const backend = route?.backend
  if (backend?.kind !== 'forward') return backend?.kind ?? 'nothing'
  const of = `${route?.owner.namespace}/${backend.choices.map((choice) => choice.service).join('+')}`
  return (route?.filters.length ?? 0) > 0 ? `${of} guarded` : of
}

const open = ingress('/')
const manyHosts = Array.from({ length: 40 }, (_, at) => `"h${at}.example.test"`).join(', ')
const cases: readonly {
  readonly why: string
  readonly ingresses?: readonly Ingress[]
  readonly groups?: readonly RouteGroup[]
  readonly path: string
  readonly draw?: number
  readonly served: string
}[] = [
  {
    why: 'a group that is closed as a whole is so at a path among its predicates',
    ingresses: [open],
    groups: [group([{ predicates: ['Path("/admin")'], filters, backends: to }, broken])],
    path: '/admin',
    served: 'closed',
  },
  {
    why: 'a pattern that is none takes nothing from the path that is closed',
    ingresses: [open],
    groups: [group([{ path: '/admin', pathRegexp: '(', filters, backends: to }, broken])],
    path: '/admin',
    served: 'closed',
  },
  ...['/admin', '/secret'].map((path) => ({
    why: 'of two paths, of which one may be meant, both are closed',
    ingresses: [open],
    groups: [group([{ path: '/admin', pathSubtree: '/secret', filters, backends: to }])],
    path,
    served: 'closed',
  })),
  {
    why: 'a path without its first slash is closed where it would be',
    ingresses: [open],
    groups: [group([{ path: 'admin', filters, backends: to }])],
    path: '/admin',
    served: 'closed',
  },
  {
    why: 'a path with a free wildcard in its middle is closed from there on',
    groups: [
      group([
        { path: '/api/*rest/edit', filters, backends: to },
        { pathSubtree: '/', backends: to },
      ]),
    ],
    path: '/api/x/edit',
    served: 'closed',
  },
  {
    why: 'one that only forwards leaves such a path to the others, as in Skipper',
    groups: [
      group([
        { path: '/api/*rest/edit', backends: to },
        { pathSubtree: '/', filters, backends: to },
      ]),
    ],
    path: '/api/x/edit',
    served: 'shop/kept guarded',
  },
  ...['/a', '/b'].map((path) => ({
    why: 'a second path among the predicates does not replace the first',
    groups: [
      group([
        { path: '/a', predicates: ['Path("/b")'], filters, backends: to },
        { pathSubtree: '/', backends: to },
      ]),
    ],
    path,
    served: 'closed',
  })),
  {
    why: 'shares of whole weights leave no request out, however they are rounded',
    groups: [
      group([
        {
          path: '/admin',
          backends: [
            { backendName: 'a', weight: 49 },
            { backendName: 's', weight: 79 },
          ],
        },
        { pathSubtree: '/', filters, backends: to },
      ]),
    ],
    path: '/admin',
    draw: 1 - 2 ** -53,
    served: 'answer',
  },
  {
    why: 'weights beyond all numbers close their group: shares of their sum would be none',
    groups: [
      group([
        {
          path: '/admin',
          backends: [
            { backendName: 'a', weight: 1e308 },
            { backendName: 's', weight: 1e308 },
          ],
        },
        { pathSubtree: '/', backends: to },
      ]),
    ],
    path: '/admin',
    served: 'closed',
  },
  {
    why: 'a group takes nothing by a predicate from the path of another namespace',
    ingresses: [open],
    groups: [group([{ pathSubtree: '/', predicates: ['Weight(9)'], backends: to }], 'evil')],
    path: '/x',
    served: 'shop/open',
  },
  {
    why: 'nor by a wildcard that means the same path',
    ingresses: [open],
    groups: [group([{ path: '/**', predicates: ['Weight(9)'], backends: to }], 'evil')],
    path: '/x',
    served: 'shop/open',
  },
  {
    why: 'a path of its own is what a group of another namespace may have, as an Ingress may',
    ingresses: [open],
    groups: [group([{ path: '/x', methods: ['GET'], backends: to }], 'evil')],
    path: '/x',
    served: 'evil/kept',
  },
  {
    why: 'two namespaces may have patterns of paths on one host',
    groups: [
      group([{ pathRegexp: '^/a', backends: to }]),
      group([{ pathRegexp: '^/b', backends: to }], 'evil'),
    ],
    path: '/b',
    served: 'evil/kept',
  },
  {
    why: 'a field that nobody knows may be the one that protects',
    groups: [
      group([
        { path: '/a', filter: filters, backends: to },
        { pathSubtree: '/', backends: to },
      ]),
    ],
    path: '/a',
    served: 'closed',
  },
  {
    why: 'routes of an annotation stay where they are while their Ingress is closed',
    ingresses: [
      ingress(
        '/',
        {
          'skipper-predicate': 'Foo("x")',
          'skipper-routes': `Method("GET") -> ${filters[0]} -> "http://10.0.0.1:80"`,
        },
        'kept',
      ),
      open,
    ],
    path: '/',
    served: 'closed',
  },
  {
    why: 'a path in the annotation of predicates is closed where another predicate is not known',
    ingresses: [ingress('/', { 'skipper-predicate': 'Path("/admin") && Foo("x")' }, 'kept'), open],
    path: '/admin',
    served: 'closed',
  },
  {
    why: 'the rest of its rule goes to who serves it, too',
    ingresses: [ingress('/', { 'skipper-predicate': 'Path("/admin") && Foo("x")' }, 'kept'), open],
    path: '/x',
    served: 'shop/open',
  },
  {
    why: 'a route of the annotation that has a path of its own is not left out where it may protect',
    ingresses: [ingress('/', { 'skipper-routes': `Path("/own") -> ${filters[0]} -> <shunt>` })],
    path: '/own',
    served: 'closed',
  },
  {
    why: 'one that protects nothing is left out, as in Skipper',
    ingresses: [ingress('/', { 'skipper-routes': 'Path("/own") -> "http://10.0.0.1:80"' })],
    path: '/own',
    served: 'shop/open',
  },
  {
    why: 'one below another rule is nobody’s loss',
    ingresses: [
      ingress('/sub', { 'skipper-routes': 'Path("/own") -> <shunt>' }),
      ingress('/', {}, 'other'),
    ],
    path: '/own',
    served: 'shop/other',
  },
  {
    why: 'HostAny narrows a route of the annotation: only Host is that of the rule',
    ingresses: [ingress('/', { 'skipper-routes': 'HostAny("other.test") -> <shunt>' })],
    path: '/',
    served: 'shop/open',
  },
  {
    why: 'routes of the annotation stand at the pattern of their rule, not at all paths',
    ingresses: [
      ingress('^/foo', {
        'skipper-ingress-path-mode': 'path-regexp',
        'skipper-routes': 'True() -> <shunt>',
      }),
    ],
    path: '/bar',
    served: 'nothing',
  },
  {
    why: 'more hosts than a pattern holds close a route: nothing would find it',
    groups: [
      group([
        { path: '/admin', predicates: [`HostAny(${manyHosts})`], filters, backends: to },
        { pathSubtree: '/', backends: to },
      ]),
    ],
    path: '/admin',
    served: 'closed',
  },
  {
    why: 'and there they go before it',
    ingresses: [
      ingress('^/foo', {
        'skipper-ingress-path-mode': 'path-regexp',
        'skipper-routes': 'True() -> <shunt>',
      }),
    ],
    path: '/foo',
    served: 'answer',
  },
  {
    why: 'what a route of the annotation keeps by filters is not shared out without them',
    ingresses: [
      ingress('/', {
        'skipper-routes': `* -> ${filters[0]} -> "http://10.0.0.1:80"`,
        'backend-weights': '{}',
      }),
    ],
    path: '/',
    served: 'shop/open',
  },
]

for (const { why, ingresses = [], groups = [], path, draw, served } of cases) {
  t.test(`${why}: ${path}`, async (t) => {
    t.equal(servedBy(ingresses, groups, path, draw), served)
  })
}
