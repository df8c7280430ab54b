// Can a request of HTTP/2 become another one, or two, in HTTP/1.1? Each case of the table on a connection of its own; what the
// upstream saw is read by the strict reader of the hostile suite, which shares nothing with the product.
import t from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { okResponse } from '../support/upstream.ts'
import { downgradeCases } from './downgrade-cases.ts'
import { type as kinds } from './frames.ts'
import { startHttp2Pair } from './pair.ts'

// What Weir writes about the client, about itself and about the handshake is the same for all.
const ours = /^(?:x-forwarded-(?:for|proto|host|port)|x-real-ip|x-request-id|cdn-loop):/i

t.ok(downgradeCases.length >= 60, `${downgradeCases.length} cases`)

for (const { name, frames, outcome, status, sees, body = '', why } of downgradeCases) {
  t.test(`${name}: ${outcome}, ${why}`, async (t) => {
    const { open, upstream, dataPlane } = await startHttp2Pair(t, {
      script: { onRequest: () => okResponse },
    })
    const client = await open()
    client.send(...frames)
    const isDone = () => client.isClosed || client.hasEnded(1) || client.resetCode(1) !== undefined
    await eventually('it has an end', isDone)
    const [side] = upstream.connections
    if (outcome === 'forwarded') {
      t.same(client.statuses(1), [200])
      t.equal(upstream.requests.length, 1, 'one request')
      const text = side?.text ?? ''
      const lines = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n')
      t.same(
        lines.filter((line) => !ours.test(line)),
        sees,
      )
      t.equal(upstream.requests[0]?.body, body)
      t.ok(upstream.requests[0]?.complete, 'and it is whole')
    } else {
      t.ok(
        upstream.requests.every(({ complete }) => !complete),
        'no whole request reached the upstream',
      )
      t.notOk(side?.text.includes('/admin'))
      if (status !== undefined) t.same(client.statuses(1), [status])
      else t.notSame(client.statuses(1), [200])
    }
    t.equal(side?.malformed, undefined, 'what the upstream saw is strict HTTP/1.1')
    await eventually('nothing is left of it', () => dataPlane.plane.inFlight === 0)
    // A connection that goes on serves the next request as if nothing had been.
    if (client.isClosed || client.of(0, kinds.goaway).length > 0) return
    client.request(3)
    await client.finished(3)
    t.equal(client.body(3), 'ok')
    const last = upstream.requests.at(-1)
    t.match(last, { method: 'GET', target: '/', complete: true })
  })
}
