import t from 'tap'
import type { Ingress } from '../../kube/objects.ts'
import { tlsHostsOf } from './tls-hosts.ts'

// Does `spec.tls` cover a host?
const cases: readonly { tls?: unknown; host: string; has: boolean; why: string }[] = [
  { host: 'a.test', has: false, why: 'no TLS section' },
  { tls: [], host: 'a.test', has: false, why: 'an empty one' },
  { tls: [{ hosts: ['a.test'] }], host: 'a.test', has: true, why: 'listed' },
  {
    tls: [{ hosts: ['b.test'] }],
    host: 'a.test',
    has: true,
    why: 'not listed: it gets the default certificate',
  },
  { tls: [{ secretName: 's' }], host: 'a.test', has: true, why: 'the certificate says which' },
  { tls: [{ secretName: 's' }], host: '', has: false, why: 'no certificate is for any host' },
  { tls: 'yes', host: 'a.test', has: false, why: 'no list' },
]

for (const { tls, host, has, why } of cases) {
  t.test(why, async (t) => {
    t.equal(tlsHostsOf({ spec: { tls } } as Ingress)(host), has)
  })
}
