// Filters that act by rules of nginx: access by the first rule that fits, answers of Weir's own, fields by status and request.
import { BlockList, isIP } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../testing/assert-property.ts'
import {
  compileContext,
  type RequestSketch,
  requestView,
  responseView,
  runStep,
} from '../testing/filter-stage.ts'
import { type AccessRule, accessRulesKind, compileAccess } from './access-rules.ts'
import { type AnswerBlock, answersKind } from './answers.ts'
import { type HeaderRule, type HeaderRulesFilter, headerRulesKind } from './header-rules.ts'

const context = compileContext()

t.test('the first access rule that names an address counts', async (t) => {
  const address = fc.constantFrom('10.0.0.1', '10.0.1.1', '192.0.2.1', '2001:db8::1', '')
  const from = fc.constantFrom('all', '10.0.0.0/8', '10.0.0.0/24', '192.0.2.1', '2001:db8::/32')
  const rule: fc.Arbitrary<AccessRule> = fc.record({ allows: fc.boolean(), from })
  const fits = (rule: AccessRule, given: string) => {
    if (rule.from === 'all') return true
    const [net = '', bits] = rule.from.split('/')
    const family = isIP(net) === 6 ? 'ipv6' : 'ipv4'
    const list = new BlockList()
    list.addSubnet(net, Number(bits ?? 32), family)
    return list.check(given, isIP(given) === 6 ? 'ipv6' : 'ipv4')
  }
  assertProperty(
    t,
    fc.property(fc.array(rule, { maxLength: 6 }), address, (rules, given) => {
      const naive = given !== '' && (rules.find((rule) => fits(rule, given))?.allows ?? true)
      return compileAccess(rules)(given) === naive
    }),
    { numRuns: 1000 },
  )
  t.match(
    accessRulesKind.fault({ kind: 'access-rules', rules: [{ allows: true, from: 'x' }] }),
    /x/,
  )
})

const block: AnswerBlock = { steps: [], access: [], fields: [] }
const answered: {
  block: Partial<AnswerBlock>
  request?: RequestSketch
  verdict: unknown
  why: string
}[] = [
  {
    block: { steps: [{ status: 403 }] },
    verdict: { status: 403, body: '403\n', headers: [['content-type', 'text/html']] },
    why: 'a status alone',
  },
  {
    block: { steps: [{ status: 200, body: ['hi ', { from: 'host' }] }] },
    verdict: { status: 200, body: 'hi a.test' },
    why: 'a text of the request',
  },
  {
    block: { steps: [{ status: 301, location: ['/x y\u00e9', { from: 'uri' }] }] },
    request: { path: '/p', query: '?q', authority: 'a.test:81' },
    verdict: {
      status: 301,
      headers: [
        ['location', 'http://a.test:81/x%20y%E9/p?q'],
        ['content-type', 'text/html'],
      ],
    },
    why: 'a path is one of the same host, and visible ASCII',
  },
  {
    block: { steps: [{ status: 301, location: ['/x'] }] },
    request: { authority: '', host: '' },
    verdict: 'malformed-request',
    why: 'no host to send to',
  },
  ...(
    [
      ['/old/1', '?a=b', ['/new/', { from: 'group', group: 1 }], '/new/1?a=b', 'with the query'],
      ['/old/1', '', ['/n?x=', { from: 'group', group: 1 }], '/n?x=1', 'without any'],
      ['/old/1', '?a=b', ['/n?x=1'], '/n?x=1&a=b', 'behind another'],
      ['/old/1', '?a=b', ['/n?'], '/n', 'a ? at the end leaves it behind'],
      ['/old/x', '', [{ from: 'group', group: 1 }, '/'], '/x/', 'a group that is the path'],
      ['/old///b.test', '', [{ from: 'group', group: 1 }], '//b.test', 'never another host'],
    ] as const
  ).map(([path, query, location, to, why]) => ({
    block: {
      steps: [{ pattern: '^/old/(.*)$', status: 301, location, keepsQuery: true as const }],
    },
    request: { path, query },
    verdict: { status: 301, headers: [['location', `http://a.test${to}`]] },
    why,
  })),
  {
    block: { steps: [{ pattern: '^/old', status: 301, location: ['/new'] }] },
    request: { path: '/Old' },
    verdict: undefined,
    why: 'a pattern that does not match: the next step',
  },
  {
    block: { path: { is: 'prefix', text: '/admin' }, access: [{ allows: false, from: 'all' }] },
    request: { path: '/admin.php' },
    verdict: 'access-denied',
    why: 'a prefix is one of text',
  },
  {
    block: { path: { is: 'exact', text: '/admin' }, access: [{ allows: false, from: 'all' }] },
    request: { path: '/admin/' },
    verdict: undefined,
    why: 'another path',
  },
  {
    block: {
      path: { is: 'pattern', text: '(?i)/\\.git' },
      access: [
        { allows: true, from: '192.0.2.1' },
        { allows: false, from: 'all' },
      ],
    },
    request: { path: '/a/.GIT/x' },
    verdict: 'no-route',
    why: 'who is let in finds nothing there',
  },
]

for (const { block: parts, request, verdict, why } of answered) {
  t.test(`answers: ${why}`, async (t) => {
    const filter = { kind: 'answers', blocks: [{ ...block, ...parts }] } as const
    t.equal(answersKind.fault(filter), undefined)
    const { verdicts } = runStep(answersKind.compile(filter, context).request, requestView(request))
    t.match(verdicts, [verdict])
  })
}

const faults: { block: Partial<AnswerBlock>; says: RegExp }[] = [
  { block: { steps: [{ status: 199 }] }, says: /200 to 599/ },
  { block: { steps: [{ pattern: '(', status: 301 }] }, says: /pattern/ },
  { block: { path: { is: 'pattern', text: '(?=a)' } }, says: /pattern/ },
  { block: { access: [{ allows: true, from: 'nowhere' }] }, says: /nowhere/ },
]
for (const { block: parts, says } of faults) {
  t.test(`answers: a fault ${says}`, async (t) => {
    t.match(answersKind.fault({ kind: 'answers', blocks: [{ ...block, ...parts }] }), says)
  })
}

function rules(parts: Partial<HeaderRulesFilter>) {
  const filter: HeaderRulesFilter = { kind: 'header-rules', request: [], response: [], ...parts }
  return { filter, stages: headerRulesKind.compile(filter, context) }
}

t.test('rules that are known before are folded into edits', async (t) => {
  const response: readonly HeaderRule[] = [
    { act: 'remove', name: 'x-gone', value: [], isUpstreamOnly: true },
    { act: 'add', name: 'x-a', value: ['1'] },
    { act: 'add', name: 'x-b', value: ['2'] },
    { act: 'set', name: 'x-a', value: ['3'] },
  ]
  const request: readonly HeaderRule[] = [{ act: 'set', name: 'x-c', value: [''] }]
  t.same(rules({ request, response }).stages, {
    requestEdits: { dropped: new Set(['x-c']), appended: '' },
    responseEdits: { dropped: new Set(['x-gone', 'x-a']), appended: 'x-b: 2\r\nx-a: 3\r\n' },
    ownEdits: { dropped: new Set(['x-a']), appended: 'x-b: 2\r\nx-a: 3\r\n' },
  })
})

t.test('rules that depend on the request', async (t) => {
  const view = requestView({ fields: { 'x-b': 'old', 'x-d': 'old' }, requestId: 'r1' })
  const { stages } = rules({
    host: ['inner.', { from: 'host' }],
    request: [
      { act: 'set', name: 'x-a', value: ['id-', { from: 'request-id' }] },
      { act: 'add', name: 'x-b', value: ['new'] },
      { act: 'set', name: 'x-d', value: [{ from: 'cookie', name: 'none' }] },
    ],
  })
  runStep(stages.request, view)
  t.equal(view.upstreamHost, 'inner.a.test')
  t.equal(view.field('x-a'), 'id-r1')
  t.equal(view.field('x-b'), 'old, new')
  t.equal(view.field('x-d'), undefined, 'what comes out empty is removed')
})

t.test('rules that depend on the response', async (t) => {
  const { stages } = rules({
    response: [
      { act: 'remove', name: 'x-gone', value: [], isUpstreamOnly: true },
      { act: 'add', name: 'x-a', value: ['1'], statuses: [200] },
      { act: 'set', name: 'x-b', value: [{ from: 'method' }] },
      { act: 'add', name: 'x-c', value: [{ from: 'query', name: 'none' }] },
    ],
  })
  const step = stages.response
  if (step?.kind !== 'sync') throw new Error('not sync')
  t.equal(step.includesOwn, true)
  const good = responseView({ fields: { 'x-gone': 'x', 'x-b': 'y' } })
  step.decide(good)
  t.same(
    [...good.fields],
    [
      ['x-b', ['GET']],
      ['x-a', ['1']],
    ],
  )
  const own = responseView({ status: 403, isOwn: true, fields: { 'x-gone': 'x' } })
  step.decide(own)
  t.same(
    [...own.fields],
    [
      ['x-gone', ['x']],
      ['x-b', ['GET']],
    ],
  )
})

t.test('rules with a fault', async (t) => {
  const faultOf = (rule: HeaderRule) => headerRulesKind.fault(rules({ response: [rule] }).filter)
  t.match(faultOf({ act: 'set', name: 'te', value: ['x'] }), /belongs to the connection/)
  t.match(faultOf({ act: 'set', name: 'x', value: ['a\r\nb'] }), /one line/)
  t.match(faultOf({ act: 'set', name: 'x', value: [{ from: 'cookie', name: '' }] }), /no name/)
})
