import fc from 'fast-check'
import t from 'tap'
import type { Ingress } from '../../kube/objects.ts'
import { assertProperty } from '../../testing/assert-property.ts'
import { plainTerms } from './annotations/draft.ts'
import { type ReadAnnotations, readIngress } from './claims.ts'

const none: ReadAnnotations = () => ({
  termsFor: () => plainTerms,
  useRegex: false,
  problems: [],
})

t.test('whatever the shape, reading never throws and explains what gives no route', async (t) => {
  const likely = fc.constantFrom(null, 5, 'text', [], {}, [null], true, { paths: {} })
  const path = fc.record(
    { path: fc.anything(), pathType: fc.anything(), backend: fc.anything() },
    { requiredKeys: [] },
  )
  const http = fc.oneof(likely, fc.record({ paths: fc.oneof(likely, fc.array(path)) }))
  const rule = fc.oneof(
    likely,
    fc.record({ host: fc.anything(), http }, { requiredKeys: [] }),
    fc.anything(),
  )
  const tls = fc.record(
    { hosts: fc.oneof(likely, fc.array(fc.anything())), secretName: fc.anything() },
    { requiredKeys: [] },
  )
  const spec = fc.oneof(
    likely,
    fc.record(
      {
        rules: fc.oneof(likely, fc.array(rule)),
        defaultBackend: fc.anything(),
        tls: fc.oneof(likely, fc.array(fc.oneof(likely, tls))),
      },
      { requiredKeys: [] },
    ),
  )
  const metadata = fc.oneof(likely, fc.record({ name: fc.anything(), namespace: fc.anything() }))
  assertProperty(
    t,
    fc.property(fc.record({ metadata, spec }), (object) => {
      // Objects come from JSON, whatever JSON holds.
      const ingress: Ingress = JSON.parse(
        JSON.stringify(object, (_, value) => (typeof value === 'bigint' ? String(value) : value)) ??
          'null',
      )
      const { claims, problems } = readIngress(ingress, none)
      for (const problem of problems) {
        if (problem.message === '' || problem.remedy === '') throw new Error('says nothing')
      }
      return claims.every((claim) => claim.route.match.path.startsWith('/'))
    }),
    { numRuns: 300 },
  )
})

t.test('annotations are asked once per route, with the path as it is matched', async (t) => {
  const asked: string[] = []
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const reading = readIngress(
    {
      metadata: { name: 'web', namespace: 'shop' },
      spec: {
        defaultBackend: backend,
        rules: [
          {
            host: 'a.test',
            http: {
              paths: [
                { path: '/a/', pathType: 'Prefix', backend },
                { path: '/b/', pathType: 'Exact', backend },
              ],
            },
          },
        ],
      },
    },
    () => ({
      termsFor: (path, pathType) => {
        asked.push(`${pathType} ${path}`)
        return { conditions: [], filters: [{ kind: `number-${asked.length}` }], backend: {} }
      },
      useRegex: true,
      problems: [
        {
          reason: 'unknown-annotation',
          kind: 'Ingress',
          namespace: 'shop',
          name: 'web',
          field: 'metadata.annotations',
          message: 'm',
          remedy: 'r',
        },
      ],
    }),
  )
  t.same(asked, ['Regex /a/', 'Exact /b/', 'Prefix /'])
  t.same(
    reading.claims.map((claim) => claim.route.filters[0]?.kind),
    ['number-1', 'number-2', 'number-3'],
  )
  t.match(reading.problems, [{ reason: 'unknown-annotation' }])
})

t.test('an Ingress that defeats its reader is a problem, not an exception', async (t) => {
  const { claims, problems } = readIngress({ metadata: { name: 'web' }, spec: {} }, () => {
    throw new Error('broken reader')
  })
  t.same(claims, [])
  t.match(problems, [{ reason: 'invalid-object', name: 'web', message: /broken reader/ }])
})
