// What do the annotations in Skipper's words make of an Ingress, and what is said where they make nothing?
import t from 'tap'
import { readOrigin } from '../../../auth-origin.ts'
import type { IngressDefaults } from '../defaults.ts'
import { ownDefaults } from '../defaults.ts'
import { readAnnotations } from './read.ts'

const z = 'zalando.org/'

function read(
  annotations: Readonly<Record<string, string>>,
  defaults: IngressDefaults = ownDefaults,
) {
  const named = Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [z + key, value]),
  )
  return readAnnotations(
    { metadata: { namespace: 'shop', name: 'web', annotations: named } },
    defaults,
  )
}

const termsOf = (...given: Parameters<typeof read>) => read(...given).termsFor('/', 'Prefix')

t.test('filters of both keys are one sequence, those of the older key first', async (t) => {
  const { filters } = termsOf({
    'skipper-filter': 'setRequestHeader("X-B", "2")',
    ratelimit: 'setRequestHeader("X-A", "1")',
  })
  t.match(filters, [{ kind: 'sequence', filters: [{ name: 'x-a' }, { name: 'x-b' }] }])
})

t.test('an empty text and a comment ask for nothing', async (t) => {
  for (const text of ['', ' ', '// nothing']) {
    const reading = read({
      'skipper-filter': text,
      'skipper-predicate': text,
      'skipper-routes': text,
    })
    t.same(reading.problems, [])
    t.match(reading.termsFor('/', 'Prefix'), { filters: [], conditions: [], backend: {} })
  }
})

t.test(
  'filters of the operator stand around those of the Ingress, and where it has none',
  async (t) => {
    const call = (name: string) => ({
      name: 'setRequestHeader',
      args: [name, '1'],
      at: { line: 1, column: 1 },
    })
    const defaults = { eskip: { prepend: [call('X-First')], append: [call('X-Last')] } }
    const names = (annotations: Readonly<Record<string, string>>) => {
      const [sequence] = termsOf(annotations, defaults).filters
      const { filters = [] } = (sequence ?? {}) as { filters?: readonly { name: string }[] }
      return filters.map(({ name }) => name)
    }
    t.same(names({ 'skipper-filter': 'setRequestHeader("X-Own", "1")' }), [
      'x-first',
      'x-own',
      'x-last',
    ])
    t.same(names({}), ['x-first', 'x-last'])
  },
)

const wrong: readonly { key: string; text: string; says: RegExp; isOpen?: true }[] = [
  {
    key: 'skipper-filter',
    text: 'setPath(',
    says: /cannot be read: line 1, column 9: expected an argument/,
  },
  {
    key: 'skipper-filter',
    text: 'setPth("/x")',
    says: /no filter setPth\. Did you mean setPath\?/,
  },
  { key: 'skipper-filter', text: 'setPath() ', says: /takes 1 argument/ },
  { key: 'ratelimit', text: 'nonsense()', says: /no filter nonsense/ },
  { key: 'skipper-predicate', text: 'Method(', says: /cannot be read/ },
  {
    key: 'skipper-predicate',
    text: 'Metho("GET")',
    says: /no predicate Metho\. Did you mean Method/,
  },
  {
    key: 'skipper-routes',
    text: 'a: * ->',
    says: /cannot be read: line 1, column 8: expected a filter or a backend/,
  },
  { key: 'backend-weights', text: '[1]', says: /is no JSON object/, isOpen: true },
  { key: 'backend-weights', text: '{"a": "1"}', says: /weight of a that is none/, isOpen: true },
  {
    key: 'skipper-backend',
    text: 'forward',
    says: /no effect without --forward-backend-url/,
    isOpen: true,
  },
  { key: 'skipper-backend', text: 'elsewhere', says: /is none, and has no effect/, isOpen: true },
]

for (const { key, text, says, isOpen } of wrong) {
  t.test(
    `${key}: ${text} is told, and the routes ${isOpen ? 'are served' : 'answer 503'}`,
    async (t) => {
      const { problems, termsFor } = read({ [key]: text })
      t.match(problems, [
        {
          reason: 'invalid-annotation',
          message: says,
          field: `metadata.annotations["${z}${key}"]`,
        },
      ])
      t.equal('kind' in termsFor('/', 'Prefix').backend, isOpen !== true)
    },
  )
}

t.test('all requests go to another edge, without the filters', async (t) => {
  const result = readOrigin('http://edge.test')
  const defaults = result.ok ? { eskip: { forwardUrl: result.origin } } : {}
  const terms = termsOf(
    { 'skipper-backend': 'forward', 'skipper-filter': 'setPath("/x")' },
    defaults,
  )
  t.match(terms, { filters: [], instead: { key: '<http://edge.test:80>' } })
})
