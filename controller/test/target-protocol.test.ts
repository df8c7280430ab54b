// A target group that speaks what the proxies do not understand: said before the first target, once, with the remedy.
import t from 'tap'
import { events } from '../../shared/kube/resources.ts'
import { Bench } from './bench.ts'

interface Spoken {
  readonly why: string
  readonly group: NonNullable<NonNullable<Parameters<typeof Bench.start>[1]>['group']>
  readonly says: RegExp | undefined
  readonly allowsH2c?: boolean
  /** No proxy tells what it speaks. */
  readonly isSilent?: boolean
}

const spoken: readonly Spoken[] = [
  {
    why: 'HTTPS behind an ALB',
    group: { protocol: 'HTTPS', healthCheckProtocol: 'HTTP' },
    says: /^target group edge opens TLS .*protocol HTTPS.* plain HTTP\/1\.1 on port 9999: create a group/,
  },
  {
    why: 'TLS behind an NLB',
    group: { protocol: 'TLS', healthCheckProtocol: 'TCP' },
    says: /^target group edge opens TLS .*protocol TLS.*: create a group of protocol TCP/,
  },
  {
    why: 'gRPC',
    group: { protocolVersion: 'GRPC' },
    says: /^target group edge speaks HTTP\/2 .*version GRPC.*: start the proxies with --h2c, or create a group of protocol HTTP/,
  },
  {
    why: 'gRPC, to proxies with --h2c',
    group: { protocolVersion: 'GRPC' },
    ...{ allowsH2c: true, says: undefined },
  },
  {
    why: 'gRPC, to proxies that have not told what they speak',
    group: { protocolVersion: 'GRPC' },
    ...{ isSilent: true, says: undefined },
  },
  {
    why: 'health checks over TLS',
    group: { healthCheckProtocol: 'HTTPS' },
    says: /^target group edge checks health over TLS .*: set its health check protocol to HTTP$/,
  },
  { why: 'HTTP/1.1', group: {}, says: undefined },
  { why: 'TCP', group: { protocol: 'TCP' }, says: undefined },
]

for (const { why, group, says, allowsH2c = false, isSilent = false } of spoken) {
  t.test(
    `a group that speaks ${why} is ${says === undefined ? 'not worth a word' : 'said loudly, once'}`,
    async (t) => {
      const bench = await Bench.start(t, { group })
      bench.pod('p-1')
      bench.allowsH2c = allowsH2c
      if (!isSilent) bench.proxyModes.set('10.0.0.1', 'off')
      const replica = await bench.replica('c-1')
      await bench.until(() => bench.healthy().length === 1)
      // Facts of groups are read anew meanwhile.
      await bench.pass(400_000, { stepMs: 1_000 })
      const lines = replica.lines.filter(({ message }) => /the proxies speak/.test(message))
      const said = bench.api
        .list(events)
        .filter(({ reason }) => reason === 'TargetProtocolMismatch')
      if (says === undefined) {
        t.equal(lines.length + said.length, 0)
        return
      }
      t.match(lines, [{ level: 'error', message: says, fields: { group: 'edge' } }])
      t.match(said, [{ type: 'Warning', count: 1, message: says }])
      t.equal(lines.length, 1)
      const at = replica.lines.findIndex(({ message }) => says.test(message))
      const registered = replica.lines.findIndex(({ fields }) => fields.action === 'register')
      t.ok(at < registered, 'before any target is added')
    },
  )
}
