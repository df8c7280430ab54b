import t from 'tap'
import { groupFacts } from '../test/fixtures.ts'
import type { GroupFacts } from '../world.ts'
import { targetProtocolMismatch } from './target-protocol.ts'

const alb = groupFacts
const nlb: GroupFacts = {
  ...groupFacts,
  balancer: 'network',
  protocol: 'TCP',
  protocolVersion: '',
  healthCheckProtocol: 'TCP',
}

const cases: readonly {
  readonly why: string
  readonly group: GroupFacts
  readonly says: string | undefined
  readonly allowsHttp2?: boolean
}[] = [
  { why: 'HTTP/1.1 behind an ALB', group: alb, says: undefined },
  { why: 'TCP behind an NLB, whatever it carries', group: nlb, says: undefined },
  {
    why: 'an NLB that checks health over HTTP',
    group: { ...nlb, healthCheckProtocol: 'HTTP' },
    says: undefined,
  },
  {
    why: 'HTTPS behind an ALB',
    group: { ...alb, protocol: 'HTTPS' },
    says: 'target group edge opens TLS to its targets (protocol HTTPS), and the proxies speak plain HTTP/1.1 on port 9999: create a group of protocol HTTP and version HTTP1, forward the listener to it and name it in --target-group',
  },
  {
    why: 'TLS behind an NLB',
    group: { ...nlb, protocol: 'TLS' },
    says: 'target group edge opens TLS to its targets (protocol TLS), and the proxies speak plain HTTP/1.1 on port 9999: create a group of protocol TCP, forward the listener to it and name it in --target-group',
  },
  {
    why: 'HTTP/2 in clear',
    group: { ...alb, protocolVersion: 'HTTP2' },
    says: 'target group edge speaks HTTP/2 to its targets (protocol version HTTP2), and the proxies speak plain HTTP/1.1 on port 9999: start the proxies with --h2c, or create a group of protocol HTTP and version HTTP1, forward the listener to it and name it in --target-group',
  },
  {
    why: 'HTTP/2 in clear, and proxies that allow it',
    ...{ group: { ...alb, protocolVersion: 'HTTP2' }, allowsHttp2: true },
    says: undefined,
  },
  {
    why: 'gRPC, and proxies that allow HTTP/2',
    ...{ group: { ...alb, protocolVersion: 'GRPC' }, allowsHttp2: true },
    says: undefined,
  },
  {
    why: 'HTTP/1.1, and proxies that allow both',
    ...{ group: alb, allowsHttp2: true },
    says: undefined,
  },
  {
    why: 'gRPC over TLS, and proxies that allow HTTP/2 in clear',
    ...{ group: { ...alb, protocol: 'HTTPS', protocolVersion: 'GRPC' }, allowsHttp2: true },
    says: 'target group edge opens TLS to its targets (protocol HTTPS), and the proxies speak plain HTTP on port 9999: create a group of protocol HTTP and version GRPC, forward the listener to it and name it in --target-group',
  },
  {
    why: 'gRPC over TLS: two things, one remedy',
    group: { ...alb, protocol: 'HTTPS', protocolVersion: 'GRPC' },
    says: 'target group edge opens TLS to its targets (protocol HTTPS) and speaks HTTP/2 to its targets (protocol version GRPC), and the proxies speak plain HTTP/1.1 on port 9999: create a group of protocol HTTP and version HTTP1, forward the listener to it and name it in --target-group',
  },
  {
    why: 'only the health check is TLS: that can be changed',
    group: { ...nlb, healthCheckProtocol: 'HTTPS' },
    says: 'target group edge checks health over TLS (health check protocol HTTPS), and the proxies speak plain HTTP/1.1 on port 9999: set its health check protocol to HTTP',
  },
  {
    why: 'everything is TLS: both remedies',
    group: { ...alb, protocol: 'HTTPS', healthCheckProtocol: 'HTTPS' },
    says: 'target group edge opens TLS to its targets (protocol HTTPS) and checks health over TLS (health check protocol HTTPS), and the proxies speak plain HTTP/1.1 on port 9999: create a group of protocol HTTP and version HTTP1, forward the listener to it and name it in --target-group, and set its health check protocol to HTTP',
  },
]

for (const { why, group, says, allowsHttp2 = false } of cases) {
  t.test(`${says === undefined ? 'fits' : 'does not fit'}: ${why}`, async (t) => {
    t.equal(targetProtocolMismatch(group, 9999, allowsHttp2), says)
  })
}
