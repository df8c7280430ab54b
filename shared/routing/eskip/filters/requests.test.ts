// What do requests look like behind Skipper's filters?
import { test } from 'tap'
import { compileFilters } from '../../filters/compile.ts'
import type { Verdict } from '../../filters/kind.ts'
import { filterKinds } from '../../filters/kinds.ts'
import {
  compileContext,
  type RequestSketch,
  requestView,
  runStep,
} from '../../testing/filter-stage.ts'
import type { Arg, Call } from '../language.ts'
import { readFilters } from './read.ts'

type Sketch = readonly [name: string, ...args: readonly Arg[]]

interface Case {
  readonly why: string
  readonly filters: readonly Sketch[]
  readonly request?: RequestSketch
  readonly routePath?: string
  /** Fields that go upstream; null: none of that name. */
  readonly fields?: Readonly<Record<string, string | null>>
  readonly target?: string
  readonly host?: string
  readonly location?: string
}

function callsOf(filters: readonly Sketch[]): readonly Call[] {
  return filters.map(([name, ...args], index) => ({
    name,
    args,
    at: { line: 1, column: index + 1 },
  }))
}

function play({ filters, request: sketch, routePath = '/' }: Case) {
  const reading = readFilters(callsOf(filters), { namespace: 'default' })
  if (!reading.ok) throw new Error(reading.faults.map(({ message }) => message).join('; '))
  const base = compileContext()
  const context = { ...base, place: { ...base.place, path: routePath } }
  const compiled = compileFilters(reading.filters, filterKinds, context)
  if (!compiled.ok) throw new Error(compiled.reason)
  const request = requestView(sketch)
  let verdict: Verdict
  for (const { step } of compiled.pipeline?.request ?? []) {
    verdict ??= runStep(step, request).verdicts[0]
  }
  if (compiled.pipeline?.requestEdits) request.editRequest(compiled.pipeline.requestEdits)
  return { request, verdict }
}

const cases: readonly Case[] = [
  {
    why: 'a header replaces those that were there',
    filters: [['setRequestHeader', 'X-Foo', 'new']],
    request: { fields: { 'X-Foo': ['1', '2'] } },
    fields: { 'x-foo': 'new' },
  },
  {
    why: 'filters act from left to right: a copy sees what was set before it, and not what is set behind it',
    filters: [
      ['setRequestHeader', 'X-Foo', '1'],
      ['copyRequestHeader', 'X-Foo', 'X-Bar'],
      ['setRequestHeader', 'X-Foo', '2'],
    ],
    fields: { 'x-foo': '2', 'x-bar': '1' },
  },
  {
    why: 'a placeholder without a value leaves the header alone',
    filters: [['setRequestHeader', 'X-Foo', 'a${request.header.X-None}b']],
    request: { fields: { 'X-Foo': 'old' } },
    fields: { 'x-foo': 'old' },
  },
  {
    why: 'what a client writes into a placeholder cannot end the line',
    filters: [['setRequestHeader', 'X-Foo', '${request.query.q}']],
    request: { query: '?q=a%0d%0aX-Evil:%201' },
    fields: { 'x-foo': 'a  X-Evil: 1', 'x-evil': null },
  },
  {
    why: 'a field of the connection is left alone',
    filters: [
      ['setRequestHeader', 'Content-Length', '5'],
      ['setRequestHeader', 'X-A', '1'],
    ],
    fields: { 'content-length': null, 'x-a': '1' },
  },
  {
    why: 'Host goes upstream by a word of its own',
    filters: [['setRequestHeader', 'Host', 'other.example']],
    host: 'other.example',
  },
  {
    why: 'modRequestHeader of Host',
    filters: [['modRequestHeader', 'Host', '^a', 'changed']],
    host: 'changed.test',
  },
  {
    why: 'only lines that match are dropped',
    filters: [['dropRequestHeaderRegexp', 'X-Foo', '^a']],
    request: { fields: { 'X-Foo': ['abc', 'xyz'] } },
    fields: { 'x-foo': 'xyz' },
  },
  {
    why: 'a pattern in slashes is as good as one in quotes',
    filters: [['modRequestHeader', 'X-Foo', { regexp: 'b+' }, '-']],
    request: { fields: { 'X-Foo': 'abbcb' } },
    fields: { 'x-foo': 'a-c-' },
  },
  {
    why: 'a part of a value is decoded',
    filters: [['decodeBase64RequestHeader', 'Authorization', 1]],
    request: { fields: { Authorization: 'Basic eDp5' } },
    fields: { authorization: 'Basic x:y' },
  },
  {
    why: 'what is no base64 stays',
    filters: [['decodeBase64RequestHeader', 'Authorization', 1]],
    request: { fields: { Authorization: 'Basic !' } },
    fields: { authorization: 'Basic !' },
  },
  {
    why: 'setPath keeps the query, and what no path may hold is escaped',
    filters: [['setPath', '/a b/ü?x']],
    request: { path: '/old', query: '?q=1' },
    target: '/a%20b/%C3%BC%3Fx?q=1',
  },
  {
    why: 'setPath takes parameters of the path',
    filters: [['setPath', '/u/${id}']],
    routePath: '/user/:id',
    request: { path: '/user/9' },
    target: '/u/9',
  },
  {
    why: 'all that a wildcard at the end stands for',
    filters: [['setPath', '/v2${rest}']],
    routePath: '/v1/*rest',
    request: { path: '/v1/a/b' },
    target: '/v2/a/b',
  },
  {
    why: 'modPath replaces every match, not in the query',
    filters: [['modPath', 'api', 'v1']],
    request: { path: '/api/api', query: '?api=1' },
    target: '/v1/v1?api=1',
  },
  {
    why: 'modPath knows named groups and groups beside letters',
    filters: [['modPath', '^/(?P<id>\\w+)/(\\w+)', '/${id}x/$2']],
    request: { path: '/a/b/c' },
    target: '/ax/b/c',
  },
  {
    why: 'a prefix that goes wholly away leaves the root',
    filters: [['modPath', '^/app', '']],
    request: { path: '/app' },
    target: '/',
  },
  {
    why: 'modPath makes no dot segment',
    filters: [['modPath', 'x', '.']],
    request: { path: '/a/xx/b' },
    target: '/a/b',
  },
  {
    why: 'an escaped slash stays one',
    filters: [['modPath', '^/api/', '/']],
    request: { path: '/api/a%2Fb%20c' },
    target: '/a%2Fb%20c',
  },
  {
    why: 'a changed query is in the order of its names',
    filters: [['setQuery', 'k', 'v']],
    request: { query: '?k=old&b=2&k=older&a=1' },
    target: '/?a=1&b=2&k=v',
  },
  {
    why: 'dropQuery',
    filters: [['dropQuery', 'k']],
    request: { query: '?a=%20b&c&k=1' },
    target: '/?a=+b&c=',
  },
  {
    why: 'stripQuery keeps parameters as headers',
    filters: [['stripQuery', 'true']],
    request: { query: '?foo=bar&b=2' },
    target: '/',
    fields: { 'x-query-param-foo': 'bar', 'x-query-param-b': '2' },
  },
  {
    why: 'headerToQuery without the header',
    filters: [['headerToQuery', 'X-Foo', 'k']],
    request: { query: '?k=old' },
    target: '/?k=',
  },
  {
    why: 'queryToHeader with a format',
    filters: [['queryToHeader', 'access_token', 'Authorization', 'Bearer %s']],
    request: { query: '?access_token=t' },
    fields: { authorization: 'Bearer t' },
  },
  {
    why: 'queryToHeader leaves what the client sent',
    filters: [['queryToHeader', 'access_token', 'Authorization']],
    request: { query: '?access_token=t', fields: { Authorization: 'own' } },
    fields: { authorization: 'own' },
  },
  {
    why: 'a redirect keeps path and query, and its scheme is https',
    filters: [['redirectTo', 302]],
    request: { path: '/a', query: '?b=1' },
    location: 'https://a.test/a?b=1',
  },
  {
    why: 'a redirect goes by what the filters before it changed',
    filters: [
      ['modRequestHeader', 'Host', '^a', 'www'],
      ['modPath', '^/old', '/new'],
      ['redirectTo', 301, 'https:'],
    ],
    request: { path: '/old/x' },
    location: 'https://www.test/new/x',
  },
  {
    why: 'a location knows no placeholders',
    filters: [['redirectTo', 302, '/x/${request.query.q}']],
    request: { query: '?q=1' },
    location: 'https://a.test/x/$%7Brequest.query.q%7D?q=1',
  },
  {
    why: 'a location with a query of its own',
    filters: [['redirectTo', 302, 'http://new.test/p?x=1']],
    request: { path: '/old', query: '?y=2' },
    location: 'http://new.test/p?x=1',
  },
  {
    why: 'rfcHost',
    filters: [['rfcHost']],
    request: { host: 'a.test', authority: 'a.test.:8080' },
    host: 'a.test:8080',
  },
]

test('requests behind filters', async (t) => {
  for (const each of cases) {
    await t.test(each.why, async (t) => {
      const { request, verdict } = play(each)
      for (const [name, value] of Object.entries(each.fields ?? {})) {
        t.equal(request.field(name) ?? null, value, name)
      }
      if (each.target !== undefined) t.equal(request.target, each.target)
      if (each.host !== undefined) t.equal(request.upstreamHost, each.host)
      const answer = typeof verdict === 'object' ? verdict : undefined
      t.equal(answer?.headers.find(([name]) => name === 'location')?.[1], each.location)
    })
  }
})

const wrong: readonly { readonly why: string; readonly call: Sketch; readonly says: RegExp }[] = [
  {
    why: 'an unknown name',
    call: ['setReqestHeader', 'a', 'b'],
    says: /Did you mean setRequestHeader/,
  },
  { why: 'names keep their case', call: ['SETPATH', '/x'], says: /there is no filter SETPATH/ },
  { why: 'too few arguments', call: ['setPath'], says: /takes 1 argument and has 0/ },
  { why: 'a number for a text', call: ['setPath', 1], says: /its path must be a text/ },
  {
    why: 'a text for a number',
    call: ['redirectTo', 'x', '/y'],
    says: /its status must be a number/,
  },
  { why: 'a refused one', call: ['lua', 'x'], says: /not supported.*--filters/ },
]

test('filters that close their route', async (t) => {
  for (const { why, call, says } of wrong) {
    const good: Sketch = ['setPath', '/x']
    const reading = readFilters(callsOf([good, call]), { namespace: 'default' })
    if (reading.ok) t.fail(why)
    else {
      const [fault] = reading.faults
      t.match(`${fault?.message}. ${fault?.remedy}`, says, why)
      t.equal(fault?.at.column, 2, why)
    }
  }
})
