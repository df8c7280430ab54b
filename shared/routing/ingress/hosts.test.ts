import t from 'tap'
import type { Problem } from '../../problem.ts'
import { reportTo } from '../shapes.ts'
import { parseHost } from './hosts.ts'

const cases: { value: unknown; host: string | undefined; why: string }[] = [
  { value: 'a.test', host: 'a.test', why: 'an exact name' },
  { value: '*.a.test', host: '*.a.test', why: 'a wildcard of one label' },
  { value: undefined, host: '', why: 'no host means every host' },
  { value: null, host: '', why: 'an empty YAML value' },
  { value: '', host: '', why: 'an empty text' },
  { value: 'A.Test', host: 'a.test', why: 'case does not matter in DNS' },
  { value: 'a.test.', host: 'a.test', why: 'the root dot is no part of the name' },
  { value: '*.A.test.', host: '*.a.test', why: 'the same for wildcards' },
  { value: 'xn--bcher-kva.test', host: 'xn--bcher-kva.test', why: 'an internationalised name' },
  { value: '1.test', host: '1.test', why: 'a label may begin with a digit' },
  { value: `${'a.'.repeat(126)}a`, host: `${'a.'.repeat(126)}a`, why: '253 characters' },
  { value: `${'a.'.repeat(127)}a`, host: undefined, why: '255 characters' },
  { value: '.', host: undefined, why: 'the root alone' },
  { value: 'a.test..', host: undefined, why: 'two trailing dots' },
  { value: '.a.test', host: undefined, why: 'a leading dot' },
  { value: '*', host: undefined, why: 'a wildcard needs a domain' },
  { value: '*.', host: undefined, why: 'a wildcard of nothing' },
  { value: '*a.test', host: undefined, why: 'a wildcard is a whole label' },
  { value: '*.*.test', host: undefined, why: 'one wildcard' },
  { value: 'a.*.test', host: undefined, why: 'only the first label' },
  { value: 'a.test:443', host: undefined, why: 'a port is no part of a rule' },
  { value: '10.1.2.3', host: undefined, why: 'an IPv4 address' },
  { value: '::1', host: undefined, why: 'an IPv6 address' },
  { value: '*.10.1.2.3', host: undefined, why: 'a wildcard over an address' },
  { value: 'a_b.test', host: undefined, why: 'the API server refuses underscores' },
  { value: 'a b.test', host: undefined, why: 'a space' },
  { value: 'a.test\n', host: undefined, why: 'a line break' },
  { value: 'bücher.test', host: undefined, why: 'not in its DNS form' },
  { value: 'a-.test', host: undefined, why: 'a label that ends with -' },
  { value: 5, host: undefined, why: 'a number' },
  { value: ['a.test'], host: undefined, why: 'a list' },
]

for (const { value, host, why } of cases) {
  t.test(`${JSON.stringify(value)?.slice(0, 40)}: ${why}`, async (t) => {
    const problems: Problem[] = []
    const owner = { kind: 'Ingress', namespace: 'n', name: 'i' }
    t.equal(parseHost(value, 'spec.rules[0].host', reportTo(problems, owner)), host)
    const refused = { reason: 'invalid-host', field: 'spec.rules[0].host', name: 'i' }
    t.match(problems, host === undefined ? [refused] : [])
    t.equal(problems.length, host === undefined ? 1 : 0)
  })
}
