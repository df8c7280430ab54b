// Is a format of nginx's log read with its variables in their places?
import t from 'tap'
import { fieldsOfFormat, nginxLogFormat, parseLogFormat } from './log-format.ts'

const rows: readonly {
  readonly text: string
  readonly format: ReturnType<typeof parseLogFormat>['format']
  readonly unknown?: readonly string[]
  readonly why: string
}[] = [
  { text: '', format: [], why: 'nothing' },
  { text: 'a $ b', format: ['a $ b'], why: 'a dollar of its own' },
  {
    text: '[$status]',
    format: ['[', { variable: 'status' }, ']'],
    why: 'a variable between texts',
  },
  {
    text: '$' + '{host}name',
    format: [{ variable: 'host' }, 'name'],
    why: 'braces end a name',
  },
  {
    text: '$http_x_forwarded_for $http_Cookie',
    format: [{ field: 'x-forwarded-for' }, ' ', { field: 'cookie' }],
    why: 'fields of the request',
  },
  { text: 'a\n  b\r\n', format: ['a   b '], why: 'a format is one line' },
  {
    text: '$nobody$constructor',
    format: [{ variable: 'unknown' }, { variable: 'unknown' }],
    unknown: ['$nobody', '$constructor'],
    why: 'unknown ones stay in their places',
  },
]

for (const { text, format, unknown = [], why } of rows) {
  t.test(why, async (t) => {
    t.strictSame(parseLogFormat(text), { format, unknown })
  })
}

t.test("ingress-nginx's own format is known whole, and which fields a format needs", async (t) => {
  const { format, unknown } = parseLogFormat(nginxLogFormat)
  t.strictSame(unknown, [])
  t.strictSame(fieldsOfFormat(format), ['authorization'], '$remote_user')
  t.strictSame(fieldsOfFormat(parseLogFormat('$http_a $http_A $status').format), ['a'])
})
