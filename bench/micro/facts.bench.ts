// What do the client's facts and the request id cost per request?
import { randomBytes } from 'node:crypto'
import { createClientRules } from '../../proxy/http/client-rules.ts'
import { connectionFacts, settleFacts } from '../../proxy/http/forwarded.ts'
import { createRequestIdSource } from '../../proxy/http/request-id.ts'
import { measure } from './measure.ts'

const connection = {
  peerAddress: '10.0.0.7',
  proxySource: undefined,
  proxyDestination: undefined,
  localPort: 9999,
  isSecure: false,
}
const settings = { trustedFields: ['alb'], forwardedHeaders: 'default' } as const
const untrusted = connectionFacts(
  connection,
  createClientRules({ ...settings, trustedProxies: [] }, {}),
)
const trusted = connectionFacts(
  connection,
  createClientRules({ ...settings, trustedProxies: ['10.0.0.0/8'] }, {}),
)
const createRequestId = createRequestIdSource(randomBytes)
const headOf = (i: number) => ({
  forwardedFor: `198.51.100.${i & 255}, 10.0.0.${i & 127}`,
  forwardedProto: 'https',
  forwardedHost: undefined,
  forwardedPort: '443',
  realIp: undefined,
  authority: `app-${i}.example.com`,
  otherForwarded: '',
  requestId: '',
})
const heads = Array.from({ length: 1024 }, (_, i) => headOf(i))
const first = headOf(0)

measure('request id', createRequestId)
measure('facts, untrusted peer', (i) =>
  settleFacts(untrusted, heads[i & 1023] ?? first, createRequestId),
)
measure('facts, behind an ALB', (i) =>
  settleFacts(trusted, heads[i & 1023] ?? first, createRequestId),
)
