// No words of Skipper cost the proxy more than their own length: what multiplies is refused, or ends at a bound.
import { brotliCompressSync } from 'node:zlib'
import t from 'tap'
import type { Ingress, RouteGroup } from '../../kube/objects.ts'
import { nearNames } from '../../near-names.ts'
import { compileFilters } from '../filters/compile.ts'
import { type AnswerTextFilter, answerTextKind } from '../filters/content.ts'
import { decompressKind } from '../filters/decompress.ts'
import { filterKinds } from '../filters/kinds.ts'
import { readAnnotations } from '../ingress/annotations/read.ts'
import { readIngress } from '../ingress/claims.ts'
import { compileReplaceAll } from '../pattern.ts'
import { readRouteGroup } from '../routegroup/claims.ts'
import { backendOf } from '../testing/cluster.ts'
import { compileContext, requestView, responseView } from '../testing/filter-stage.ts'
import { readDuration } from './duration.ts'
import { readFilters } from './filters/read.ts'
import { parseFilters, parsePredicates } from './parse.ts'
import { readPredicates } from './predicates/read.ts'

function filtersOf(text: string) {
  const result = parseFilters(text)
  t.ok(result.ok)
  return readFilters(result.ok ? result.value : [], { namespace: 'shop' })
}

t.test('a name longer than any is near to none, without being compared', async (t) => {
  t.same(nearNames('a'.repeat(1 << 20), ['setPath']), [])
  t.same(nearNames('setPaht', ['setPath', 'modPath']), ['setPath'])
})

t.test('more filters or predicates than a route may have close it', async (t) => {
  const many = (call: string, count: number, joint: string) => Array(count).fill(call).join(joint)
  t.equal(filtersOf(many('setPath("/a")', 256, '->')).ok, true)
  t.match(filtersOf(many('setPath("/a")', 257, '->')), {
    ok: false,
    faults: [{ message: /has 257 filters/ }],
  })
  const predicates = parsePredicates(many('True()', 257, '&&'))
  t.match(readPredicates(predicates.ok ? predicates.value : []), {
    ok: false,
    faults: [{ message: /has 257 predicates/ }],
  })
})

/** Runs the request steps of filters for a request with a field of 30 KB. */
function act(text: string): void {
  const reading = filtersOf(text)
  const compiled = compileFilters(reading.ok ? reading.filters : [], filterKinds, compileContext())
  t.ok(compiled.ok)
  const target = `/${'a'.repeat(4000)}`
  const request = requestView({ path: target, fields: { 'x-a': 'b'.repeat(30_000) } })
  for (const { step } of (compiled.ok && compiled.pipeline?.request) || []) {
    if (step.kind === 'sync') step.decide(request)
  }
}

const growing: readonly { readonly why: string; readonly text: string }[] = [
  {
    why: 'a header that is doubled again and again',
    text: Array(40)
      .fill('setRequestHeader("X-A", "${request.header.X-A}${request.header.X-A}")')
      .join('->'),
  },
  {
    why: 'a header that is encoded again and again',
    text: Array(100).fill('encodeBase64RequestHeader("X-A")').join('->'),
  },
  {
    why: 'a path of a thousand placeholders',
    text: `setPath("/${'${request.header.X-A}'.repeat(1000)}")`,
  },
  {
    why: 'a long replacement at each place of a path',
    text: `modPath("", "${'x'.repeat(20_000)}")`,
  },
  {
    why: 'a path whose characters become escapes again and again',
    text: Array(60).fill('modPath(".", "%")').join('->'),
  },
  {
    why: 'a header whose characters become texts',
    text: `modRequestHeader("X-A", "b", "${'x'.repeat(20_000)}")`,
  },
]
for (const { why, text } of growing) {
  t.test(`${why} ends at a bound`, async (t) => {
    t.throws(() => act(text), RangeError)
  })
}

t.test(
  'a replacement in a body ends at its bound, of literal texts and patterns alike',
  async (t) => {
    for (const pattern of ['b', 'b|c', '']) {
      const result = compileReplaceAll(pattern, 'x'.repeat(100_000), 8 << 20)
      t.throws(() => result.ok && result.replace('b'.repeat(1 << 20)), RangeError)
      t.equal(result.ok && result.replace('').length, pattern === '' ? 100_000 : 0)
    }
  },
)

t.test('a time that is too long for one is none, and is not looked at', async (t) => {
  const began = performance.now()
  t.equal(readDuration('1'.repeat(1 << 20)), undefined)
  // The pattern would take a quarter of an hour.
  t.ok(performance.now() - began < 5000)
  t.equal(readDuration(`${'9'.repeat(100)}h`), undefined)
  t.equal(readDuration('2562047h'), 2_562_047 * 3_600_000)
})

t.test('a response that expands without measure is cut', async (t) => {
  const context = compileContext()
  const stages = decompressKind.compile({ kind: 'decompress' }, context)
  const made: number[] = []
  const sink = { write: (bytes: Buffer) => made.push(bytes.length) > 0, end: () => {} }
  const failed = await new Promise((resolve) => {
    const response = responseView({ fields: { 'content-encoding': 'br' }, bodyLength: undefined })
    const control = { resume: () => resolve('all of it'), forgetLength: () => {}, fail: resolve }
    stages
      .responseBody?.(response, sink, control)
      ?.write(brotliCompressSync(Buffer.alloc(64 << 20)))
  })
  t.equal(failed, 'upstream-malformed')
  t.ok(made.reduce((sum, length) => sum + length, 0) <= 16 << 20)
})

t.test('long answers are made when they are asked for, random ones in bounded time', async (t) => {
  let draws = 0
  const context = { ...compileContext(), random: () => (draws++ % 100) / 100 }
  const answer = (filter: object) => {
    const all = { kind: 'answer-text', text: '', type: 'text/plain', ...filter } as AnswerTextFilter
    const step = answerTextKind.compile(all, context).request
    const verdict = step?.kind === 'sync' ? step.decide(requestView()) : undefined
    return typeof verdict === 'object' ? verdict.body : undefined
  }
  t.equal(answer({ length: 10 << 20, isRandom: true })?.length, 10 << 20)
  t.equal(draws, 64 << 10)
  t.equal(answer({ length: 5, text: 'abc' })?.toString(), 'abcab')
  t.not(answer({ length: 5, text: 'abc' }), answer({ length: 5, text: 'abc' }))
})

t.test('hosts times routes of a group are bounded: each host is closed then', async (t) => {
  const to = [{ backendName: 'a' }]
  const spec = {
    hosts: Array.from({ length: 2000 }, (_, at) => `h${at}.test`),
    backends: [{ name: 'a', type: 'service', serviceName: 'a', servicePort: 80 }],
    routes: Array.from({ length: 5000 }, (_, at) => ({ path: `/${at}`, backends: to })),
  }
  const metadata = { namespace: 'shop', name: 'group' }
  const { claims, problems } = readRouteGroup({ metadata, spec } as RouteGroup, {})
  t.equal(claims.length, 2000)
  t.ok(claims.every(({ route }) => route.backend.kind === 'closed'))
  t.match(problems, [{ message: /5000 routes on 2000 hosts/ }])
})

t.test('routes of an annotation times paths are bounded: the Ingress is closed then', async (t) => {
  const routes = Array.from({ length: 5000 }, (_, at) => `r${at}:*-><shunt>`).join(';')
  const paths = Array.from({ length: 100 }, (_, at) => ({
    path: `/${at}`,
    pathType: 'Prefix',
    backend: backendOf('a'),
  }))
  const ingress: Ingress = {
    metadata: {
      namespace: 'shop',
      name: 'web',
      annotations: { 'zalando.org/skipper-routes': routes },
    },
    spec: { rules: [{ host: 'h.test', http: { paths } }] },
  }
  const { claims, problems } = readIngress(ingress, readAnnotations)
  t.equal(claims.length, 100)
  t.ok(claims.every(({ route }) => route.backend.kind === 'closed'))
  t.match(problems, [{ message: /500000 routes at all paths/ }])
})
