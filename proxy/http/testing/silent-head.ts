// What the tests of forwarded facts begin with: a request that says nothing about its client.
import type { NginxHead } from '../nginx-facts.ts'
import type { SkipperHead } from '../skipper-facts.ts'

/** A head without any forwarded field. */
export const silentHead: NginxHead & SkipperHead = {
  forwardedFor: undefined,
  forwardedProto: undefined,
  forwardedHost: undefined,
  forwardedPort: undefined,
  realIp: undefined,
  authority: 'a.test',
  host: 'a.test',
  otherForwarded: '',
  requestId: '',
  path: '/x',
  query: '',
}
