// Who lets snippets in? Nobody has to, as they are never run; a ConfigMap that says no is obeyed.
import t from 'tap'
import type { IngressDefaults } from '../defaults.ts'
import { readAnnotations } from './read.ts'

const read = (key: string, value: string, defaults: IngressDefaults) =>
  readAnnotations(
    {
      metadata: {
        namespace: 'shop',
        name: 'web',
        annotations: { [`nginx.ingress.kubernetes.io/${key}`]: value },
      },
      spec: { rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix' }] } }] },
    },
    defaults,
  )

const no = { allowsSnippets: false }
const rows: {
  key?: string
  value?: string
  defaults: IngressDefaults
  filters: number | 'closed'
  says?: RegExp
}[] = [
  { defaults: {}, filters: 1 },
  { defaults: { allowsSnippets: true }, filters: 1 },
  { defaults: no, filters: 'closed', says: /not allowed by allow-snippet-annotations/ },
  { defaults: { ...no, takesCriticalRisk: true }, filters: 0, says: /has no effect/ },
  { key: 'stream-snippet', defaults: {}, filters: 'closed', says: /listener of TCP/ },
  {
    key: 'stream-snippet',
    defaults: { ...no, takesCriticalRisk: true },
    filters: 0,
    says: /has no effect/,
  },
  { key: 'custom-headers', value: 'shop/a', defaults: {}, filters: 1 },
  {
    key: 'custom-headers',
    value: 'other/a',
    defaults: {},
    filters: 'closed',
    says: /another namespace/,
  },
  { key: 'custom-headers', value: 'a', defaults: {}, filters: 'closed', says: /namespace\/name/ },
]

t.test('auth-snippet tells the server of auth-url more', async (t) => {
  const read = (snippet: string, url = 'http://auth.shop.svc/verify') => {
    const annotations = {
      'nginx.ingress.kubernetes.io/auth-url': url,
      'nginx.ingress.kubernetes.io/auth-snippet': snippet,
    }
    const metadata = { namespace: 'shop', name: 'web', annotations }
    const { termsFor, problems } = readAnnotations({
      metadata,
      spec: { rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix' }] } }] },
    })
    return { terms: termsFor('/', 'Prefix'), problems }
  }
  const { terms, problems } = read('proxy_set_header X-Forwarded-Method $request_method;')
  t.same(problems, [])
  t.match(terms.filters, [
    { kind: 'auth-request', fields: [['x-forwarded-method', [{ from: 'method' }]]] },
  ])
  for (const text of ['deny all;', 'proxy_set_header Host a;', 'proxy_set_header X $namespace;']) {
    t.ok('kind' in read(text).terms.backend, text)
  }
})

for (const {
  key = 'configuration-snippet',
  value = 'more_set_headers "X-A: b";',
  defaults,
  filters,
  says,
} of rows) {
  t.test(`${key} ${value} with ${JSON.stringify(defaults)}`, async (t) => {
    const { termsFor, problems } = read(key, value, defaults)
    const terms = termsFor('/', 'Prefix')
    t.equal('kind' in terms.backend, filters === 'closed')
    if (filters !== 'closed') t.equal(terms.filters.length, filters)
    t.match(problems, says === undefined ? [] : [{ message: says }])
  })
}
