// Do Location, Refresh and cookies of an application come out as nginx's proxy_redirect, proxy_cookie_domain and
// proxy_cookie_path write them?
import t from 'tap'
import {
  compileContext,
  type RequestSketch,
  requestView,
  responseView,
} from '../testing/filter-stage.ts'
import type { Filter } from './kind.ts'
import { type RewriteCookiesFilter, rewriteCookiesKind } from './rewrite-cookies.ts'
import { type RewriteLocationFilter, rewriteLocationKind } from './rewrite-location.ts'

type Own<F extends Filter> = Omit<F, 'kind'>

const secure: RequestSketch = { scheme: 'https', host: 'shop.test', authority: 'shop.test:8443' }

const locations: {
  filter: Own<RewriteLocationFilter>
  name?: string
  before: string
  after: string
  why: string
}[] = [
  {
    filter: { from: 'http://internal.test:8080/app/', to: 'https://public.test/' },
    before: 'http://internal.test:8080/app/x?y=1',
    after: 'https://public.test/x?y=1',
    why: 'the begin is replaced, the rest stays',
  },
  {
    filter: { from: 'http://internal.test/', to: 'https://public.test/' },
    before: 'https://internal.test/x',
    after: 'https://internal.test/x',
    why: 'another begin',
  },
  {
    filter: { from: 'http://', to: '$scheme://' },
    before: 'http://shop.test/x',
    after: 'https://shop.test/x',
    why: 'the scheme of the request',
  },
  {
    filter: { from: 'http://$host/', to: 'https://$http_host/' },
    before: 'http://shop.test/x',
    after: 'https://shop.test:8443/x',
    why: 'its host, without and with the port',
  },
  {
    filter: { from: '/app/', to: '/' },
    before: '/app/x',
    after: 'https://shop.test:8443/x',
    why: 'a path gets scheme and host',
  },
  {
    filter: { from: '/app/', to: '/', isRelative: true },
    before: '/app/x',
    after: '/x',
    why: 'unless redirects are relative',
  },
  {
    filter: { from: 'http://a.test/', to: 'https://b.test/' },
    name: 'refresh',
    before: '5; url=http://a.test/x',
    after: '5; url=https://b.test/x',
    why: 'Refresh has a URL, too',
  },
  {
    filter: { from: 'http://a.test/', to: 'https://b.test/' },
    name: 'refresh',
    before: '5',
    after: '5',
    why: 'or has none',
  },
]

for (const { filter, name = 'location', before, after, why } of locations) {
  t.test(`${name} ${before} becomes ${after}: ${why}`, async (t) => {
    const own: RewriteLocationFilter = { kind: 'rewrite-location', ...filter }
    t.equal(rewriteLocationKind.fault(own), undefined)
    const { response } = rewriteLocationKind.compile(own, compileContext())
    const view = responseView({ request: requestView(secure), fields: { [name]: before } })
    if (response?.kind === 'sync') response.decide(view)
    t.same(view.fields.get(name), [after])
  })
}

const faulty: { filter: Partial<RewriteLocationFilter>; why: RegExp }[] = [
  { filter: { from: 'http://a/' }, why: /both/ },
  { filter: { to: 'http://a/' }, why: /both/ },
  { filter: { from: 'a b', to: 'c' }, why: /visible/ },
  { filter: { from: 'a', to: 'c\r\nx: y' }, why: /visible/ },
  { filter: { from: '~*^http://(.*)$', to: 'c' }, why: /patterns/ },
  { filter: { from: 'a', to: '$upstream_addr' }, why: /\$scheme/ },
]

for (const { filter, why } of faulty) {
  t.test(`${JSON.stringify(filter)} is refused`, async (t) => {
    const own = { kind: 'rewrite-location', ...filter } as RewriteLocationFilter
    t.match(rewriteLocationKind.fault(own), why)
  })
}

const domain = { from: 'localhost', to: 'example.org' }
const path = { from: '/one/', to: '/' }
const cookies: { filter: Own<RewriteCookiesFilter>; before: string; after: string; why: string }[] =
  [
    {
      filter: { domain, path },
      before: 'a=1; Domain=localhost; Path=/one/',
      after: 'a=1; Domain=example.org; Path=/',
      why: 'both parts',
    },
    {
      filter: { domain, path },
      before: 'b=2; Domain=other.test; Path=/two/',
      after: 'b=2; Domain=other.test; Path=/two/',
      why: 'neither is meant',
    },
    {
      filter: { domain: { from: '.Localhost', to: '.example.org' } },
      before: 'a=1;domain=.LOCALHOST;secure',
      after: 'a=1;domain=.example.org;secure',
      why: 'dots in front and case do not count; the dot of the cookie stays',
    },
    {
      filter: { domain },
      before: 'a=1; Domain=sub.localhost',
      after: 'a=1; Domain=sub.localhost',
      why: 'a domain is compared as a whole',
    },
    {
      filter: { path },
      before: 'a=1; Path=/one/two',
      after: 'a=1; Path=/two',
      why: 'a path by its begin',
    },
    {
      filter: { path: { from: '/', to: '/; Secure; SameSite=None' } },
      before: 'a=1; Path=/; HttpOnly',
      after: 'a=1; Path=/; Secure; SameSite=None; HttpOnly',
      why: 'attributes may be brought in, as people do',
    },
    {
      filter: { domain, path },
      before: 'path=/one/; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      after: 'path=/one/; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      why: 'a cookie that is called like an attribute',
    },
  ]

t.test('each cookie is changed for itself', async (t) => {
  for (const { filter, before, after, why } of cookies) {
    const own: RewriteCookiesFilter = { kind: 'rewrite-cookies', ...filter }
    t.equal(rewriteCookiesKind.fault(own), undefined)
    const { response } = rewriteCookiesKind.compile(own, compileContext())
    const view = responseView({ fields: { 'set-cookie': ['x=y, z', before] } })
    if (response?.kind === 'sync') response.decide(view)
    t.same(view.fields.get('set-cookie'), ['x=y, z', after], why)
  }
})

t.test('a cookie filter without a part, or with a line end, is refused', async (t) => {
  t.match(rewriteCookiesKind.fault({ kind: 'rewrite-cookies' }), /neither/)
  const split = { kind: 'rewrite-cookies', path: { from: '/', to: '/\r\nx: y' } } as const
  t.match(rewriteCookiesKind.fault(split), /printable/)
})
