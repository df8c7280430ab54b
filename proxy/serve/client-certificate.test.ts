// How names of certificates are written, as nginx and RFC 4514 write them.
import t from 'tap'
import { distinguishedName } from './client-certificate.ts'

const names = [
  { why: 'the last comes first', lines: 'C=DE\nO=weir\nCN=ann', is: 'CN=ann,O=weir,C=DE' },
  { why: 'one', lines: 'CN=ann', is: 'CN=ann' },
  { why: 'none', lines: undefined, is: '' },
  { why: 'values are escaped already', lines: 'O=a\\, b\nCN=x\\+y', is: 'CN=x\\+y,O=a\\, b' },
  {
    why: 'two values of one relative name',
    lines: 'O=weir\nOU=a + CN=ann',
    is: 'OU=a+CN=ann,O=weir',
  },
  { why: 'bytes that are not ASCII', lines: 'CN=Zoë', is: 'CN=Zo\\C3\\AB' },
] as const

t.test('names', async (t) => {
  for (const { why, lines, is } of names) t.equal(distinguishedName(lines), is, why)
})
