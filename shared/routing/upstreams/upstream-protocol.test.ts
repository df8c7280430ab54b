import t from 'tap'
import {
  protocolOfPort,
  type SpokenAs,
  speechOf,
  type UpstreamProtocol,
} from './upstream-protocol.ts'

const tls = { verifies: false, name: '', sendsName: false }
const host = 'web.shop.svc'
const verified = { serverName: host }

const cases: { said: SpokenAs; port?: UpstreamProtocol; is: object; why: string }[] = [
  { said: {}, is: {}, why: 'nobody says anything' },
  { said: {}, port: 'http', is: {}, why: 'HTTP/1.1' },
  { said: {}, port: 'h2c', is: { protocol: 'h2' }, why: 'the port says so' },
  { said: {}, port: 'https', is: verified, why: 'nobody asked for less than verified' },
  { said: {}, port: 'h2', is: { ...verified, protocol: 'h2' }, why: 'the same' },
  { said: { protocol: 'http' }, port: 'h2', is: {}, why: 'the Ingress goes first' },
  { said: { protocol: 'h2c' }, port: 'https', is: { protocol: 'h2' }, why: 'in clear, as it says' },
  { said: { tls }, port: 'h2c', is: { tls }, why: 'HTTPS is HTTP/1.1' },
  { said: { tls }, port: 'https', is: { tls }, why: 'by the rules of the Ingress' },
  { said: { tls, protocol: 'h2' }, is: { tls, protocol: 'h2' }, why: 'GRPCS' },
]
for (const { said, port, is, why } of cases) {
  t.same(speechOf(said, port, host), is, `${JSON.stringify(said)}, ${port}: ${why}`)
}

const names: [name: string, is: UpstreamProtocol | undefined][] = [
  ['kubernetes.io/h2c', 'h2c'],
  ['kubernetes.io/ws', 'http'],
  ['kubernetes.io/wss', 'https'],
  ['HTTPS', 'https'],
  ['grpc', 'h2c'],
  ['grpcs', 'h2'],
  ['mysql', undefined],
  ['toString', undefined],
  ['', undefined],
]
for (const [name, is] of names) t.equal(protocolOfPort(name), is, name)
