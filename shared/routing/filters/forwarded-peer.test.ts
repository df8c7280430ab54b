// What does an upstream hear of the peer by xforward?
import t from 'tap'
import { requestView } from '../testing/filter-stage.ts'
import { forwardedPeerKind } from './forwarded-peer.ts'

const peer = '192.0.2.1'
const rows: readonly {
  readonly fields: Readonly<Record<string, string>>
  readonly list: string
  readonly host: string
  readonly why: string
}[] = [
  { fields: {}, list: peer, host: 'a.test', why: 'nobody said anything' },
  {
    fields: { 'x-forwarded-for': '10.0.0.1' },
    list: `10.0.0.1, ${peer}`,
    host: 'a.test',
    why: 'the peer is the last',
  },
  {
    fields: { 'x-forwarded-for': `10.0.0.1, ${peer}`, 'x-forwarded-host': 'b.test' },
    list: `10.0.0.1, ${peer}`,
    host: 'b.test',
    why: 'what is said already stays',
  },
]

for (const { fields, list, host, why } of rows) {
  t.test(why, async (t) => {
    const stages = forwardedPeerKind.compile({ kind: 'forwarded-peer' }, undefined as never)
    const request = requestView({ fields, peerAddress: peer })
    const step = stages.request
    if (step?.kind !== 'sync') throw new Error('a step of its own turn')
    t.equal(step.decide(request), undefined)
    t.equal(request.field('x-forwarded-for'), list)
    t.equal(request.field('x-forwarded-host'), host)
  })
}
