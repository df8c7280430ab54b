import t from 'tap'
import { caseFile } from './case-file.ts'
import { type HostileCase, readCases } from './cases.ts'
import { judge } from './judge.ts'
import { isUnder, viewsOf } from './meaning.ts'
import { hasCheck } from './musts.ts'
import type { Seen } from './seen.ts'
import { readStrictly } from './strict.ts'

const cases = readCases(caseFile)

t.test('every sentence of the cases has a check', async (t) => {
  const sentences = new Set(cases.flatMap(({ expect }) => expect.must ?? []))
  t.same(
    [...sentences].filter((must) => !hasCheck(must)),
    [],
  )
})

const dots = [
  { target: '/public/..%2fadmin', view: '/admin' },
  { target: '/public/..;/admin', view: '/admin' },
  { target: '/public/..\\admin', view: '/admin' },
  { target: '/public//../../admin', view: '/admin' },
]
for (const { target, view } of dots) {
  t.test(`some upstream reads ${target} as ${view}`, async (t) => {
    t.ok(viewsOf(target).includes(view))
  })
}

t.test('no upstream reads an innocent path otherwise', async (t) => {
  t.ok(viewsOf('/public/a;b/c%20d').every((view) => isUnder(view, '/public')))
})

function find(id: string): HostileCase {
  const found = cases.find((one) => one.id === id)
  if (found === undefined) throw new Error(id)
  return found
}

/** What a run looks like when nothing came of it. */
function seen(id: string, change: Partial<Seen>): Seen {
  const hostile = find(id)
  return {
    hostile,
    segmentation: 'whole',
    reusedConnection: false,
    sent: hostile.raw ?? '',
    sentMessages: readStrictly('request', hostile.raw ?? '').messages,
    responses: [],
    clientBytes: '',
    responseError: undefined,
    ended: 'fin',
    tunnelled: '',
    requests: [],
    innocentProblems: [],
    scriptEndedAt: 0,
    firstBodyAt: 0,
    peerAddresses: ['127.0.0.1'],
    grownKib: 0,
    ...change,
  }
}

const answers = (text: string) => readStrictly('response', text).messages
const refused = answers('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
const echoed = answers('HTTP/1.1 200 OK\r\nX-Echo: 1\r\nContent-Length: 0\r\n\r\n')
const at = (text: string): Seen['requests'] =>
  readStrictly('request', text).messages.map((message) => ({
    message,
    service: 'echo',
    connectionId: 1,
    scripted: false,
    error: undefined,
    closed: true,
    followers: 0,
  }))

const verdicts = [
  { id: 'FRAMING-01', change: { responses: refused }, ok: true, why: '400 and closed' },
  {
    id: 'FRAMING-01',
    change: { responses: refused, ended: 'open' },
    ok: false,
    why: '400, but the connection stays open',
  },
  {
    id: 'FRAMING-01',
    change: {
      responses: echoed,
      requests: at(
        'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\nX / HTTP/1.1\r\nHost: a.test\r\n\r\n',
      ),
    },
    ok: false,
    why: 'two requests came of one',
  },
  { id: 'CHUNK-20', change: { ended: 'open' }, ok: true, why: 'only a timeout can end it' },
  {
    id: 'HEADER-20',
    change: {
      responses: echoed,
      requests: at('GET / HTTP/1.1\r\nHost: a.test\r\nX-A: cafe\r\n\r\n'),
    },
    ok: false,
    why: 'the value was changed on its way',
  },
  {
    id: 'HEADER-20',
    change: {
      responses: echoed,
      requests: at('GET / HTTP/1.1\r\nHost: a.test\r\nX-A: caf\xc3\xa9 \xff\r\n\r\n'),
    },
    ok: true,
    why: 'the bytes of the value arrived',
  },
  {
    id: 'HOST-57',
    change: { responses: refused, innocentProblems: ['innocent after: status 502'] },
    ok: false,
    why: 'another client suffered',
  },
] satisfies readonly { id: string; change: Partial<Seen>; ok: boolean; why: string }[]

for (const { id, change, ok, why } of verdicts) {
  t.test(`${id} ${ok ? 'holds' : 'fails'}: ${why}`, async (t) => {
    const { problems } = judge(seen(id, change))
    t.equal(problems.length === 0, ok, problems.join('; '))
  })
}
