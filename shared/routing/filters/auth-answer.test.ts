// For how long does an answer of an authentication server count, and who is refused by it?
import t from 'tap'
import { compileAnswer, refusalOf, usableMs } from './auth-answer.ts'

const rules = [
  { statuses: [200, 202], ms: 5000 },
  { statuses: [401], ms: 1000 },
]
const readAnswer = compileAnswer([])
const anyRule = [{ statuses: [], ms: 7000 }]

const answers = [
  { status: 200, fields: '', ms: 5000, why: 'a rule for its status' },
  { status: 401, fields: '', ms: 1000, why: 'a no counts, too' },
  { status: 403, fields: '', ms: 0, why: 'no rule for its status' },
  { status: 403, fields: '', rules: anyRule, ms: 7000, why: 'a rule for all' },
  { status: 200, fields: 'Cache-Control: no-store', ms: 0, why: 'its own word' },
  { status: 200, fields: 'Cache-Control: Private, max-age=9', ms: 0, why: 'for one client only' },
  { status: 200, fields: 'Cache-Control: max-age=9', ms: 9000, why: 'its own time' },
  { status: 403, fields: 'Cache-Control: max-age=9, s-maxage=2', ms: 2000, why: 'for caches' },
  { status: 200, fields: 'Set-Cookie: a=1', ms: 0, why: 'a cookie is for one client' },
  { status: 200, fields: 'Vary: Cookie', ms: 0, why: 'it depends on what the key may not have' },
  { status: 200, fields: 'Expires: 0', ms: 0, why: 'it says when it is over' },
  { status: 200, fields: 'X-Accel-Expires: 0', ms: 0, why: 'in the words of nginx' },
]

for (const { status, fields, rules: own = rules, ms, why } of answers) {
  t.test(`${status} ${fields} counts for ${ms} ms: ${why}`, async (t) => {
    const answer = readAnswer({
      status,
      fields: fields === '' ? '' : `${fields}\r\n`,
      body: Buffer.alloc(0),
    })
    t.equal(answer && usableMs(answer, own), ms)
  })
}

t.test('what goes on of an answer', async (t) => {
  const fields =
    'X-User: ann\r\nX-Group: a\r\nx-group:b\r\nX-Other: o\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n'
  const read = compileAnswer(['x-user', 'x-group', 'x-none'])
  const answer = read({ status: 200, fields, body: Buffer.alloc(0) })
  t.same(
    [...(answer?.upstream ?? [])],
    [
      ['x-user', 'ann'],
      ['x-group', 'a, b'],
    ],
  )
  t.same(answer?.cookies, ['a', 'b'])
  t.equal(read({ failure: 'response-timeout' }), undefined)
})

t.test('who is refused, and how', async (t) => {
  const refuse = (status: number, fields = '') => {
    const answer = readAnswer({ status, fields, body: Buffer.alloc(0) })
    return answer && refusalOf(answer)
  }
  t.match(refuse(401, 'WWW-Authenticate: Basic\r\nWWW-Authenticate: Bearer\r\n'), {
    status: 401,
    headers: [
      ['WWW-Authenticate', 'Basic'],
      ['WWW-Authenticate', 'Bearer'],
    ],
  })
  t.match(refuse(403), { status: 403 })
  for (const status of [301, 304, 400, 404, 407, 429, 500, 503])
    t.equal(refuse(status), 'auth-failed')
})
