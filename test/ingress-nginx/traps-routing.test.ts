// Do the surprises of ingress-nginx's hosts, paths and redirects come back as they were? One row for each trap of its documentation and
// its issues; where Weir answers otherwise on purpose, the row says so.
import t from 'tap'
import { ask, until } from '../support/ask.ts'
import { playTraps, type Trap } from './play-traps.ts'
import { siteOf } from './site.ts'

const https = ['X-Forwarded-Proto: https']

const traps: readonly Trap[] = [
  {
    trap: 'an Exact path of a host with a pattern is a case-insensitive prefix',
    sites: [
      { name: 'exact', rules: ['regex.test /Exact web Exact', 'regex.test / other'] },
      {
        name: 'pattern',
        rules: ['regex.test /p/[0-9]+ other ImplementationSpecific'],
        keys: { 'use-regex': 'true' },
      },
    ],
    exchanges: [
      { url: 'regex.test/Exact', status: 200, by: 'web', why: 'as it is written' },
      { url: 'regex.test/eXACT', status: 200, by: 'web', why: 'patterns know no case' },
      { url: 'regex.test/exactly/so', status: 200, by: 'web', why: 'and have no end' },
      { url: 'regex.test/not/exact', status: 200, by: 'other', why: 'but a begin' },
    ],
  },
  {
    trap: 'a rewrite-target that is the path itself turns no patterns on',
    sites: [
      {
        name: 'same',
        rules: ['same.test /same web Exact'],
        keys: { 'rewrite-target': '/same' },
      },
      { name: 'other-path', rules: ['moves.test /a web Exact'], keys: { 'rewrite-target': '/b' } },
    ],
    exchanges: [
      { url: 'same.test/same?a=b', status: 200, target: '/same?a=b', why: 'nothing is rewritten' },
      { url: 'same.test/SAME', status: 404, why: 'case counts' },
      { url: 'same.test/same/x', status: 404, why: 'Exact is exact' },
      { url: 'moves.test/A/x?a=b', status: 200, target: '/b?a=b', why: 'another target does' },
    ],
  },
  {
    trap: 'patterns are asked by their length, and of equal length the greater text first',
    sites: [
      {
        name: 'tie',
        rules: [
          'tie.test /[a]x web ImplementationSpecific',
          'tie.test /[b]x other ImplementationSpecific',
          'tie.test /.*x third ImplementationSpecific',
          'tie.test /longer.* third ImplementationSpecific',
          'tie.test /long web ImplementationSpecific',
        ],
        keys: { 'use-regex': 'true' },
      },
    ],
    exchanges: [
      { url: 'tie.test/ax', status: 200, by: 'web', why: '[a]x is longer than .*x' },
      { url: 'tie.test/bx', status: 200, by: 'other', why: 'so is [b]x' },
      { url: 'tie.test/cx', status: 200, by: 'third', why: 'what is left' },
      { url: 'tie.test/longer', status: 200, by: 'third', why: 'the longer text' },
    ],
  },
  {
    trap: 'of two patterns of the same length the lexicographically greater one is asked first',
    sites: [
      {
        name: 'greater',
        rules: [
          'greater.test /..a web ImplementationSpecific',
          'greater.test /b.. other ImplementationSpecific',
        ],
        keys: { 'use-regex': 'true' },
      },
    ],
    exchanges: [{ url: 'greater.test/bca', status: 200, by: 'other', why: '/b.. is above /..a' }],
  },
  {
    trap: 'x-forwarded-prefix has no effect without rewrite-target',
    sites: [
      {
        name: 'prefix-alone',
        rules: ['prefix.test /alone web'],
        keys: { 'x-forwarded-prefix': '/app' },
      },
      {
        name: 'prefix',
        rules: ['prefixed.test /app(/|$)(.*) web ImplementationSpecific'],
        keys: { 'x-forwarded-prefix': '/app', 'rewrite-target': '/$2' },
      },
    ],
    exchanges: [
      {
        url: 'prefix.test/alone',
        status: 200,
        up: { 'x-forwarded-prefix': undefined },
        why: 'no rewrite, no prefix',
      },
      {
        url: 'prefixed.test/app/x',
        status: 200,
        target: '/x',
        up: { 'x-forwarded-prefix': '/app' },
        why: 'with one it is sent',
      },
    ],
    also: async (t, stage) => {
      const problems = await stage.problems()
      t.ok(
        problems.some(({ name, field }) => name === 'prefix-alone' && /prefix/.test(field)),
        'and the owner is told',
      )
    },
  },
  {
    trap: 'a server-alias loses its name to a host that comes later',
    sites: [{ name: 'alias', rules: ['named.test / web'], keys: { 'server-alias': 'nick.test' } }],
    exchanges: [{ url: 'nick.test/x', status: 200, by: 'web', why: 'another name' }],
    also: async (t, stage) => {
      stage.folder.write('late.json', [siteOf({ name: 'late', rules: ['nick.test /late other'] })])
      const statusOf = async (path: string) =>
        (await ask(stage.proxy.port, { host: 'nick.test', path })).status
      await until(
        'the name is a host',
        () => statusOf('/x'),
        (status) => status === 404,
      )
      t.equal(await statusOf('/late'), 200)
    },
  },
  {
    trap: 'app-root keeps the scheme of the client: behind a load balancer ingress-nginx says http',
    sites: [{ name: 'root', rules: ['root.test /app web'], keys: { 'app-root': '/app/' } }],
    exchanges: [
      {
        url: 'root.test/',
        fields: https,
        status: 302,
        back: { location: 'https://root.test/app/' },
        why: 'differs on purpose: the scheme that the client used',
      },
      { url: 'root.test/', status: 302, back: { location: 'http://root.test/app/' }, why: 'http' },
    ],
  },
  {
    trap: 'the redirect to a missing slash keeps the scheme of the client',
    sites: [{ name: 'slash', rules: ['slash.test /dir/ web', 'slash.test / other'] }],
    exchanges: [
      {
        url: 'slash.test/dir?a=b',
        fields: https,
        status: 301,
        back: { location: 'https://slash.test/dir/?a=b' },
        why: 'differs on purpose: the scheme that the client used',
      },
      { url: 'slash.test/dir/', status: 200, by: 'web', why: 'with the slash it is served' },
    ],
  },
  {
    trap: 'the redirect between www and the bare host names no port: ingress-nginx says :80 or :443',
    sites: [
      { name: 'www', rules: ['bare.test / web'], keys: { 'from-to-www-redirect': 'true' } },
      { name: 'bare', rules: ['www.wide.test / web'], keys: { 'from-to-www-redirect': 'true' } },
    ],
    exchanges: [
      {
        url: 'www.bare.test/x?y',
        fields: https,
        status: 308,
        back: { location: 'https://bare.test/x?y' },
        why: 'differs on purpose: the default port is left out',
      },
      {
        url: 'wide.test/',
        status: 308,
        back: { location: /^http:\/\/www\.wide\.test\/?$/ },
        why: 'the other way round',
      },
    ],
  },
  {
    trap: 'of two Ingresses of the same age the descending name wins, the older one before both',
    sites: [
      { name: 'a', rules: ['age.test / web'], created: '2026-01-02T00:00:00Z' },
      { name: 'b', rules: ['age.test / other'], created: '2026-01-02T00:00:00Z' },
      { name: 'c', rules: ['older.test / web'], created: '2026-01-02T00:00:00Z' },
      { name: 'd', rules: ['older.test / other'], created: '2026-01-03T00:00:00Z' },
    ],
    exchanges: [
      { url: 'age.test/', status: 200, by: 'other', why: 'b is behind a' },
      { url: 'older.test/', status: 200, by: 'web', why: 'the age goes first' },
    ],
  },
  {
    trap: 'one path with two path types is served by both, Exact first',
    sites: [
      { name: 'two', rules: ['two.test /x web Prefix'] },
      { name: 'types', rules: ['two.test /x other Exact'] },
    ],
    exchanges: [
      { url: 'two.test/x', status: 200, by: 'other', why: 'Exact' },
      { url: 'two.test/x/y', status: 200, by: 'web', why: 'Prefix' },
    ],
  },
  {
    trap: 'a fixed redirect and a redirect to https leave out what a certificate authority asks for',
    sites: [
      { name: 'secure', rules: ['secure.test / web'], tls: ['secure.test'] },
      {
        name: 'solver',
        rules: ['secure.test /.well-known/acme-challenge/token other Exact'],
      },
    ],
    exchanges: [
      {
        url: 'secure.test/x/',
        status: 308,
        back: { location: 'https://secure.test/x' },
        why: 'one slash at the end is cut',
      },
      {
        url: 'secure.test/.well-known/acme-challenge/token',
        status: 200,
        by: 'other',
        why: 'the solver is asked by http',
      },
    ],
  },
  {
    trap: 'a Service without endpoints is 503, an unknown host 404: ingress-nginx says so before it asks who a client is',
    sites: [
      {
        name: 'empty',
        rules: ['empty.test /a nobody'],
        keys: { 'auth-url': 'http://auth.default.svc.cluster.local/' },
      },
    ],
    exchanges: [
      { url: 'empty.test/a', status: 503, why: 'the Service is missing' },
      {
        url: 'empty.test/a',
        fields: ['X-Say-auth: 401 Unauthorized'],
        status: 401,
        why: 'differs on purpose: who may not come in does not learn what is down',
      },
      { url: 'other-empty.test/', status: 404, why: 'nobody has this host' },
    ],
  },
]

t.test('traps of hosts, paths and redirects', (t) =>
  playTraps(t, ['web', 'other', 'third', 'auth'], traps),
)
