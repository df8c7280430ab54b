import t from 'tap'
import { ignoring, isIgnorable } from './ignored-annotations.ts'

const alb = 'alb.ingress.kubernetes.io'

const ignored: { patterns: readonly string[]; key: string; is: boolean; why: string }[] = [
  { patterns: [], key: 'konghq.com/plugins', is: false, why: 'nothing was named' },
  { patterns: ['konghq.com/plugins'], key: 'konghq.com/plugins', is: true, why: 'the key' },
  { patterns: ['konghq.com/plugins'], key: 'konghq.com/plugins2', is: false, why: 'another key' },
  { patterns: ['konghq.com/'], key: 'konghq.com/plugins', is: true, why: 'the prefix' },
  { patterns: ['konghq.com'], key: 'konghq.com/plugins', is: true, why: 'without its slash' },
  { patterns: ['konghq.com'], key: 'konghq.company/x', is: false, why: 'not half a prefix' },
  { patterns: ['plugins.konghq.com'], key: 'plugins.konghq.com', is: true, why: 'no slash' },
  { patterns: ['*'], key: 'konghq.com/plugins', is: true, why: 'all' },
  { patterns: [`${alb}/auth-*`], key: `${alb}/auth-type`, is: true, why: 'a glob' },
  { patterns: [`${alb}/auth-*`], key: `${alb}/inbound-cidrs`, is: false, why: 'not in the glob' },
  {
    patterns: ['*.kubernetes.io/scheme'],
    key: `${alb}/scheme`,
    is: true,
    why: 'glob at the start',
  },
  { patterns: ['a.b/c'], key: 'aXb/c', is: false, why: 'a dot is a dot' },
  { patterns: ['x/', 'haproxy.org/'], key: 'haproxy.org/a', is: true, why: 'one of them' },
]

for (const { patterns, key, is, why } of ignored) {
  t.test(`${key} is ${is ? '' : 'not '}ignored by ${patterns.join()}: ${why}`, async (t) => {
    t.equal(ignoring(patterns)(key), is)
  })
}

t.test('only what Weir does not read can be ignored', async (t) => {
  for (const pattern of ['*', 'konghq.com', 'konghq.com/', `${alb}/auth-*`, '*.konghq.com/x']) {
    t.ok(isIgnorable(pattern), pattern)
  }
  const refused = ['', ' ', 'a b', '/x', 'weir.dev', 'weir.dev/', 'weir.dev/jwt-keys', '(x)']
  for (const pattern of [...refused, 'nginx.ingress.kubernetes.io/auth-*']) {
    t.notOk(isIgnorable(pattern), pattern)
  }
})
