// What is wrong with a RouteGroup is told with its place, and the group answers 503: all of it where its shape is wrong, one
// route where a word is not known. Objects are as anybody may write them.
import fc from 'fast-check'
import t from 'tap'
import type { RouteGroup } from '../../kube/objects.ts'
import type { Reading } from '../source.ts'
import { readRouteGroup } from './claims.ts'

const service = { name: 'a', type: 'service', serviceName: 'a', servicePort: 80 }
const good = {
  hosts: ['h.test'],
  backends: [service],
  routes: [{ backends: [{ backendName: 'a' }] }],
}

function read(spec: unknown, metadata: object = { name: 'group', namespace: 'shop' }): Reading {
  return readRouteGroup({ kind: 'RouteGroup', metadata, spec } as RouteGroup, {})
}

function kindsOf({ claims }: Reading): readonly string[] {
  return claims.map(({ route }) => route.backend.kind)
}

t.test('a group of which everything can be read has no problems', async (t) => {
  const { claims, problems } = read(good)
  t.same(problems, [])
  t.match(claims, [
    {
      route: {
        owner: { kind: 'RouteGroup', namespace: 'shop', name: 'group' },
        match: { host: 'h.test', pathType: 'Any', path: '/', conditions: [] },
        filters: [],
        backend: { kind: 'forward', choices: [{ upstream: 'shop/a:80', service: 'a' }] },
      },
      backends: [{ key: 'shop/a:80' }],
      field: 'spec.routes[0]',
      role: 'rule',
    },
  ])
})

const backendsOf = (...backends: object[]) => ({ ...good, backends: [service, ...backends] })
const routesOf = (...routes: unknown[]) => ({ ...good, routes })
const to = [{ backendName: 'a' }]

const shapes: readonly { why: string; spec: unknown; field: string; message: RegExp }[] = [
  {
    why: 'no backends',
    spec: { ...good, backends: [] },
    field: 'spec.backends',
    message: /has no backends/,
  },
  {
    why: 'backends that are no list',
    spec: { ...good, backends: {} },
    field: 'spec.backends',
    message: /wrong shape/,
  },
  {
    why: 'a backend without name',
    spec: backendsOf({ type: 'shunt' }),
    field: 'spec.backends[1].name',
    message: /has no name/,
  },
  {
    why: 'a backend that is text',
    spec: { ...good, backends: [service, 'x'] },
    field: 'spec.backends[1].name',
    message: /has no name/,
  },
  {
    why: 'a name twice',
    spec: backendsOf(service),
    field: 'spec.backends[1].name',
    message: /"a" is there twice/,
  },
  {
    why: 'an unknown type',
    spec: backendsOf({ name: 'x', type: 'magic' }),
    field: 'spec.backends[1]',
    message: /type of the backend is wrong: "magic"/,
  },
  {
    why: 'a service without name',
    spec: backendsOf({ name: 'x', servicePort: 80 }),
    field: 'spec.backends[1]',
    message: /serviceName/,
  },
  {
    why: 'a service of another namespace',
    spec: backendsOf({ ...service, name: 'x', serviceName: 'b/c' }),
    field: 'spec.backends[1]',
    message: /serviceName/,
  },
  {
    why: 'a port by name',
    spec: backendsOf({ ...service, name: 'x', servicePort: 'http' }),
    field: 'spec.backends[1]',
    message: /servicePort/,
  },
  {
    why: 'an unknown algorithm',
    spec: backendsOf({ ...service, name: 'x', algorithm: 'randm' }),
    field: 'spec.backends[1]',
    message: /no algorithm "randm"/,
  },
  {
    why: 'an algorithm that is no text',
    spec: backendsOf({ ...service, name: 'x', algorithm: 1 }),
    field: 'spec.backends[1]',
    message: /algorithm/,
  },
  {
    why: 'a network backend without address',
    spec: backendsOf({ name: 'x', type: 'network' }),
    field: 'spec.backends[1]',
    message: /address/,
  },
  {
    why: 'an address with a path',
    spec: backendsOf({ name: 'x', type: 'network', address: 'http://10.0.0.1/a' }),
    field: 'spec.backends[1]',
    message: /has a path/,
  },
  {
    why: 'an address with a slash',
    spec: backendsOf({ name: 'x', type: 'network', address: 'http://10.0.0.1/' }),
    field: 'spec.backends[1]',
    message: /ends with a \//,
  },
  {
    why: 'an address that is none',
    spec: backendsOf({ name: 'x', type: 'network', address: '10.0.0.1:80' }),
    field: 'spec.backends[1]',
    message: /is no http or https URL/,
  },
  {
    why: 'a list without endpoints',
    spec: backendsOf({ name: 'x', type: 'lb' }),
    field: 'spec.backends[1]',
    message: /endpoints/,
  },
  {
    why: 'a list of nothing',
    spec: backendsOf({ name: 'x', type: 'lb', endpoints: [] }),
    field: 'spec.backends[1]',
    message: /no endpoints/,
  },
  {
    why: 'a list of numbers',
    spec: backendsOf({ name: 'x', type: 'lb', endpoints: [1] }),
    field: 'spec.backends[1]',
    message: /endpoints/,
  },
  {
    why: 'hosts that are text',
    spec: { ...good, hosts: 'h.test' },
    field: 'spec.hosts',
    message: /wrong shape/,
  },
  {
    why: 'a host with a port',
    spec: { ...good, hosts: ['h.test:80'] },
    field: 'spec.hosts[0]',
    message: /has characters/,
  },
  {
    why: 'a host twice',
    spec: { ...good, hosts: ['h.test', 'H.test.'] },
    field: 'spec.hosts[1]',
    message: /is there twice/,
  },
  {
    why: 'neither routes nor default backends',
    spec: { ...good, routes: [] },
    field: 'spec',
    message: /neither routes nor default/,
  },
  {
    why: 'a route that is text',
    spec: routesOf('x'),
    field: 'spec.routes[0]',
    message: /wrong shape/,
  },
  {
    why: 'a route without backend',
    spec: routesOf({ path: '/' }),
    field: 'spec.routes[0]',
    message: /has no backend/,
  },
  {
    why: 'a reference to no backend',
    spec: routesOf({ backends: [{ backendName: 'z' }] }),
    field: 'spec.routes[0].backends[0].backendName',
    message: /There is no backend "z"/,
  },
  {
    why: 'a reference without name',
    spec: routesOf({ backends: [{}] }),
    field: 'spec.routes[0].backends[0].backendName',
    message: /no backend null/,
  },
  {
    why: 'a reference twice',
    spec: routesOf({ backends: [...to, ...to] }),
    field: 'spec.routes[0].backends[1].backendName',
    message: /named twice/,
  },
  {
    why: 'a negative weight',
    spec: routesOf({ backends: [{ backendName: 'a', weight: -1 }] }),
    field: 'spec.routes[0].backends[0].weight',
    message: /weight -1/,
  },
  {
    why: 'half a weight',
    spec: routesOf({ backends: [{ backendName: 'a', weight: 0.5 }] }),
    field: 'spec.routes[0].backends[0].weight',
    message: /weight 0.5/,
  },
  {
    why: 'a default backend that is none',
    spec: { ...good, defaultBackends: [{ backendName: 'z' }] },
    field: 'spec.defaultBackends[0].backendName',
    message: /"z"/,
  },
  {
    why: 'two paths',
    spec: routesOf({ path: '/a', pathSubtree: '/b', backends: to }),
    field: 'spec.routes[0]',
    message: /both path and pathSubtree/,
  },
  {
    why: 'a path without slash',
    spec: routesOf({ path: 'a', backends: to }),
    field: 'spec.routes[0].path',
    message: /"a" is no path/,
  },
  {
    why: 'an empty method',
    spec: routesOf({ methods: [''], backends: to }),
    field: 'spec.routes[0].methods[0]',
    message: /method "" is none/,
  },
  {
    why: 'a filter that is a number',
    spec: routesOf({ filters: [1], backends: to }),
    field: 'spec.routes[0].filters[0]',
    message: /is not text/,
  },
  {
    why: 'a filter that cannot be read',
    spec: routesOf({ filters: ['f()', 'setPath("/x"'], backends: to }),
    field: 'spec.routes[0].filters[1]',
    message: /line 1, column 13: expected "," or "\)", found the end/,
  },
  {
    why: 'two filters in one entry',
    spec: routesOf({ filters: ['f() -> g()'], backends: to }),
    field: 'spec.routes[0].filters[0]',
    message: /holds 2 filters/,
  },
  {
    why: 'no filter in an entry',
    spec: routesOf({ filters: [' '], backends: to }),
    field: 'spec.routes[0].filters[0]',
    message: /holds 0 filters/,
  },
  {
    why: 'two predicates in one entry',
    spec: routesOf({ predicates: ['True() && True()'], backends: to }),
    field: 'spec.routes[0].predicates[0]',
    message: /holds 2 predicates/,
  },
]

for (const { why, spec, field, message } of shapes) {
  t.test(`a group is closed as a whole: ${why}`, async (t) => {
    const { problems, claims } = read(spec)
    t.match(problems[0], {
      reason: 'invalid-object',
      kind: 'RouteGroup',
      namespace: 'shop',
      name: 'group',
      field,
      message,
    })
    t.match(problems[0]?.message, /The group answers 503\.$/)
    t.not(problems[0]?.remedy, '')
    t.ok(
      claims.every(({ route }) => route.backend.kind === 'closed'),
      'nothing of it is served',
    )
  })
}

t.test('a word that is not known closes its route alone', async (t) => {
  for (const key of ['filters', 'predicates']) {
    const reading = read(routesOf({ [key]: ['nonsense("x")'], backends: to }, { backends: to }))
    t.same(kindsOf(reading), ['closed', 'forward'], key)
    t.match(reading.problems, [
      {
        reason: 'invalid-eskip',
        field: `spec.routes[0].${key}[0]`,
        message: /nonsense[^.]*\. The route answers 503\.$/,
      },
    ])
  }
})

t.test(
  'hosts that cannot be read have no routes, and a group without name or spec has none at all',
  async (t) => {
    t.same(read({ ...good, hosts: [1] }).claims, [])
    t.match(read(good, {}), { claims: [], problems: [{ field: 'metadata.name' }] })
    for (const spec of [undefined, null, 'x', []]) {
      t.match(read(spec), { claims: [], problems: [{ field: 'spec', reason: 'invalid-object' }] })
    }
  },
)

t.test('backends: shares, default ones, other kinds', async (t) => {
  const two = [service, { name: 'b', serviceName: 'b', servicePort: 81 }]
  const weights = (a: number | undefined, b: number | undefined) =>
    read({
      backends: two,
      defaultBackends: [
        { backendName: 'a', ...(a === undefined ? {} : { weight: a }) },
        { backendName: 'b', ...(b === undefined ? {} : { weight: b }) },
      ],
    }).claims.map(({ route }) => route.backend)
  t.match(weights(80, 20), [
    {
      choices: [
        { service: 'a', weight: 80 },
        { service: 'b', weight: 20 },
      ],
    },
  ])
  t.match(
    weights(undefined, undefined),
    [{ choices: [{ weight: 1 }, { weight: 1 }] }],
    'equal shares',
  )
  t.match(
    weights(1, undefined),
    [{ choices: [{ weight: 1 }, { weight: 0 }] }],
    'a missing weight is 0',
  )

  const mixed = read({
    hosts: ['h.test'],
    backends: [service, { name: 'no', type: 'shunt' }],
    defaultBackends: [
      { backendName: 'a', weight: 3 },
      { backendName: 'no', weight: 1 },
    ],
  })
  t.match(
    mixed.claims.map(({ route }) => [route.match.conditions, route.backend.kind]),
    [
      [[{ kind: 'share', from: 0, below: 0.75 }], 'forward'],
      [[{ kind: 'share', from: 0.75, below: 1 }], 'answer'],
    ],
    'who does not forward has a route of its own, with its share',
  )
})

t.test('addresses are one upstream, with the algorithm that is named', async (t) => {
  const endpoints = ['http://10.0.0.1:8080', 'https://10.0.0.2']
  const lb = { name: 'x', type: 'lb', algorithm: 'consistentHash', endpoints }
  const { claims } = read({ backends: [lb], defaultBackends: [{ backendName: 'x' }] })
  const key = '<http://10.0.0.1:8080, https://10.0.0.2:443>'
  t.match(claims[0], {
    route: { backend: { choices: [{ upstream: key }], balance: { kind: 'hash' } } },
    backends: [{ key }],
  })
})

t.test('whatever the shape is, nothing is thrown', async (t) => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>(
        null,
        '',
        '/',
        'a',
        'h.test',
        1,
        -1,
        true,
        'service',
        'lb',
        'f()',
        'f(',
        '*',
      ),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          'hosts',
          'backends',
          'routes',
          'name',
          'type',
          'path',
          'filters',
          'predicates',
          'backendName',
          'defaultBackends',
          'endpoints',
          'tls',
        ),
        tie('any'),
        { maxKeys: 5 },
      ),
    ),
  })).any
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom('hosts', 'backends', 'routes', 'defaultBackends', 'tls'),
        value,
      ),
      (spec) => {
        const { claims, problems } = read(spec)
        const isWhole = !problems.some(({ reason }) => reason === 'invalid-object')
        t.ok(isWhole || claims.every(({ route }) => route.backend.kind === 'closed'))
      },
    ),
    { numRuns: 300 },
  )
})
