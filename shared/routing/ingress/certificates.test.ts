import t from 'tap'
import type { Problem } from '../../problem.ts'
import { reportTo } from '../shapes.ts'
import { readCertificates } from './certificates.ts'

const owner = { kind: 'Ingress', namespace: 'shop', name: 'web' }

interface Row {
  readonly tls: unknown
  /** Hosts of rules. */
  readonly rules?: readonly string[]
  /** Hosts that annotations add. */
  readonly others?: readonly string[]
  /** `host secret`, with `?` behind one that is tried and `-` behind one without a rule. */
  readonly gives: readonly string[]
  /** Fields of problems. */
  readonly problems?: readonly string[]
  readonly why: string
}

const rows: readonly Row[] = [
  { tls: undefined, gives: [], why: 'no TLS' },
  { tls: [], gives: [], why: 'none either' },
  {
    tls: [{ hosts: ['a.test'], secretName: 's' }],
    gives: ['a.test shop/s'],
    why: 'listed, and of the own namespace',
  },
  {
    tls: [{ hosts: ['A.Test.'], secretName: 's' }],
    gives: ['a.test shop/s'],
    why: 'names are compared in one form',
  },
  {
    tls: [{ hosts: ['*.a.test'], secretName: 's' }],
    rules: ['x.a.test', 'y.a.test', 'a.test'],
    gives: ['x.a.test shop/s', 'y.a.test shop/s', 'a.test shop/s?', '*.a.test shop/s-'],
    why: 'a wildcard lists the hosts of one label under it; the other is tried',
  },
  {
    tls: [{ secretName: 's' }],
    rules: ['a.test', ''],
    gives: ['a.test shop/s?'],
    why: 'without hosts: the certificate says which; none is for any host',
  },
  {
    tls: [
      { hosts: ['a.test'], secretName: 'first' },
      { hosts: ['a.test'], secretName: 'second' },
    ],
    gives: ['a.test shop/first', 'a.test shop/second'],
    why: 'several for one host, in their order: an ECDSA and an RSA one',
  },
  {
    tls: [{ hosts: ['a.test'] }],
    gives: [],
    why: 'without a Secret the default certificate is meant',
  },
  {
    tls: [{ hosts: ['a.test'], secretName: 's' }],
    others: ['www.a.test'],
    gives: ['a.test shop/s', 'www.a.test shop/s?'],
    why: 'a host that an annotation adds is shown what is there',
  },
  {
    tls: [{ hosts: ['b.test'], secretName: 's' }],
    gives: ['a.test shop/s?', 'b.test shop/s-'],
    why: 'a listed host without a rule comes after those who have one',
  },
  {
    tls: 'yes',
    gives: [],
    problems: ['spec.tls'],
    why: 'no list',
  },
  {
    tls: ['yes', { hosts: ['a.test', 'a b', '1.2.3.4', 5], secretName: 's' }],
    gives: ['a.test shop/s'],
    problems: [
      'spec.tls[0]',
      'spec.tls[1].hosts[1]',
      'spec.tls[1].hosts[2]',
      'spec.tls[1].hosts[3]',
    ],
    why: 'what cannot be read is said, the rest counts',
  },
  {
    tls: [{ hosts: 'a.test', secretName: 7 }],
    gives: [],
    why: 'a name that is none: as without one',
  },
]

for (const { tls, rules = ['a.test'], others = [], gives, problems = [], why } of rows) {
  t.test(why, async (t) => {
    const said: Problem[] = []
    const claims = readCertificates(
      { tls },
      { owner, createdAt: 1 },
      new Set(rules),
      others,
      reportTo(said, owner),
    )
    const shown = claims.map(({ host, ref, isWithoutRule }) => {
      t.strictSame(ref.owner, owner)
      return `${host} ${ref.secret}${ref.isTried === true ? '?' : ''}${isWithoutRule === true ? '-' : ''}`
    })
    t.strictSame(shown, gives)
    t.strictSame(
      said.map(({ field }) => field),
      problems,
    )
  })
}
