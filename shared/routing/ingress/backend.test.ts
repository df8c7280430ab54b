import t from 'tap'
import type { Problem } from '../../problem.ts'
import { reportTo } from '../shapes.ts'
import { parseBackend } from './backend.ts'

const service = (name: unknown, port: unknown) => ({ service: { name, port } })

const cases: { value: unknown; key: string | undefined; reason?: string; why: string }[] = [
  { value: service('web', { number: 80 }), key: 'n/web:80', why: 'by number' },
  { value: service('web', { name: 'http' }), key: 'n/web:http', why: 'by name' },
  {
    value: service('web', { name: '', number: 80 }),
    key: 'n/web:80',
    why: 'an empty name says nothing',
  },
  {
    value: service('web', { name: 'http', number: 0 }),
    key: 'n/web:http',
    why: 'nor does number 0',
  },
  { value: service('web', {}), key: 'n/web:', reason: 'invalid-backend', why: 'no port' },
  { value: service('web', undefined), key: 'n/web:', reason: 'invalid-backend', why: 'no port' },
  {
    value: service('web', { number: 80, name: 'a' }),
    key: 'n/web:',
    reason: 'invalid-backend',
    why: 'both',
  },
  {
    value: service('web', { number: '80' }),
    key: 'n/web:',
    reason: 'invalid-backend',
    why: 'a text number',
  },
  {
    value: service('web', { number: 65536 }),
    key: 'n/web:',
    reason: 'invalid-backend',
    why: 'too large',
  },
  {
    value: service('web', { name: 5 }),
    key: 'n/web:',
    reason: 'invalid-backend',
    why: 'a name that is a number',
  },
  {
    value: service('m/web', { number: 80 }),
    key: 'n/:',
    reason: 'invalid-backend',
    why: 'no other namespace',
  },
  {
    value: service('web.m', { number: 80 }),
    key: 'n/:',
    reason: 'invalid-backend',
    why: 'nor by DNS',
  },
  {
    value: service('web:80', { number: 80 }),
    key: 'n/:',
    reason: 'invalid-backend',
    why: 'nor its port',
  },
  { value: service(5, { number: 80 }), key: 'n/:', reason: 'invalid-backend', why: 'a number' },
  {
    value: service('a'.repeat(64), { number: 80 }),
    key: 'n/:',
    reason: 'invalid-backend',
    why: 'too long',
  },
  { value: { service: 'web' }, key: 'n/:', reason: 'invalid-backend', why: 'a text' },
  { value: {}, key: undefined, reason: 'invalid-backend', why: 'nothing' },
  { value: null, key: undefined, reason: 'invalid-backend', why: 'null' },
  { value: 'web', key: undefined, reason: 'invalid-backend', why: 'a text' },
  {
    value: { resource: { kind: 'StorageBucket' } },
    key: undefined,
    reason: 'unsupported-backend',
    why: 'no Service',
  },
  {
    value: { resource: 5 },
    key: undefined,
    reason: 'unsupported-backend',
    why: 'a resource of any shape',
  },
]

for (const { value, key, reason, why } of cases) {
  t.test(`${JSON.stringify(value).slice(0, 60)} is ${key}: ${why}`, async (t) => {
    const problems: Problem[] = []
    const owner = { kind: 'Ingress', namespace: 'n', name: 'i' }
    t.equal(parseBackend(value, 'n', 'spec.defaultBackend', reportTo(problems, owner))?.key, key)
    t.same(
      problems.map((problem) => problem.reason),
      reason === undefined ? [] : [reason],
    )
  })
}
