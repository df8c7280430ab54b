// When do workers get the first table, and what does one get that starts?
import { readFileSync } from 'node:fs'
import t from 'tap'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import type { TlsMessage } from '../messages.ts'
import { TlsKeeper } from './tls-keeper.ts'

const file = (name: string) =>
  readFileSync(new URL(`../../test/support/certificates/${name}`, import.meta.url))

const secret = {
  kind: 'Secret',
  data: {
    'tls.crt': file('a-ecdsa.crt').toString('base64'),
    'tls.key': file('a-ecdsa.key').toString('base64'),
  },
} as KubeObject

function start() {
  const clock = new ManualClock()
  const answers = new Map<string, (object: KubeObject | undefined) => void>()
  const told: string[] = []
  const keeper = new TlsKeeper({
    settings: { defaultCertificate: undefined },
    clock,
    objects: {
      follow({ name }, onObject) {
        answers.set(name, onObject)
        return () => void answers.delete(name)
      },
    },
    tell: (message) => told.push(shown(message)),
    onProblems: () => {},
  })
  /** A table whose hosts name these Secrets. */
  const apply = (version: number, ...secrets: readonly string[]) => {
    const owner = { kind: 'Ingress', namespace: 'shop', name: 'web' }
    const certificates = new Map(
      secrets.map((name) => [
        `${name}.test`,
        [{ secret: `shop/${name}`, owner, field: 'spec.tls[0].secretName' }],
      ]),
    )
    keeper.noteDelta({ version, hosts: new Map(), upstreams: new Map(), certificates })
    keeper.afterFirstLook(() => told.push(`table ${version}`))
  }
  return { clock, answers, told, keeper, apply }
}

function shown(message: TlsMessage): string {
  return message.kind === 'certificate' ? `certificate ${message.name}` : message.kind
}

t.test('the first table comes after the certificates that it names', async (t) => {
  const { answers, told, apply } = start()
  apply(1, 'a', 'b')
  apply(2, 'a', 'b')
  answers.get('a')?.(secret)
  t.strictSame(told, ['certificate shop/a'], 'one is still looked for')
  answers.get('b')?.(undefined)
  t.strictSame(told, ['certificate shop/a', 'table 1', 'table 2'], 'in order; none is an answer')
  apply(3, 'c')
  t.equal(told.at(-1), 'table 3', 'later ones wait for nothing')
})

t.test('without certificates it comes at once', async (t) => {
  const { told, apply } = start()
  apply(1)
  t.strictSame(told, ['table 1'])
})

t.test('a Secret of which nothing is heard holds it up for 5 s', async (t) => {
  const { clock, told, apply } = start()
  apply(1, 'a')
  clock.advance(4_999)
  t.strictSame(told, [])
  clock.advance(1)
  t.strictSame(told, ['table 1'])
})

t.test(
  'ticket keys are made anew every six hours, and a worker that starts has those of now',
  async (t) => {
    const { clock, told, keeper } = start()
    const keysOf = () => {
      for (const message of keeper.all()) {
        if (message.kind === 'ticket-keys') return Buffer.from(message.keys).toString('hex')
      }
      return ''
    }
    const first = keysOf()
    t.equal(first.length, 96, '48 bytes')
    clock.advance(6 * 3_600_000 - 1)
    t.equal(keysOf(), first)
    clock.advance(1)
    t.strictSame(told, ['ticket-keys'])
    t.not(keysOf(), first)
    keeper.stop()
    clock.advance(24 * 3_600_000)
    t.equal(told.length, 1)
  },
)
