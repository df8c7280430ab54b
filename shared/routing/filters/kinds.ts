// Which kinds of filters are there? One row each. A source without an order of its own (annotations) has its filters act in
// the order of this table: who may come in, then what is answered at once, then what is changed on the way.

import { accessKind } from './access.ts'
import { accessLogKind } from './access-log.ts'
import { accessRulesKind } from './access-rules.ts'
import { admissionKind } from './admission.ts'
import { allowOriginKind } from './allow-origin.ts'
import { answersKind } from './answers.ts'
import { anyOfKind } from './any-of.ts'
import { authRequestKind } from './auth-request.ts'
import { basicAuthKind } from './basic-auth.ts'
import { blockedClientsKind } from './blocked-clients.ts'
import { bodyBlockKind } from './body-block.ts'
import { bodyEditKind } from './body-edit.ts'
import { clientCertificateKind } from './client-certificate.ts'
import { commonHeadersKind } from './common-headers.ts'
import { compressKind } from './compress.ts'
import { concurrencyKind } from './concurrency.ts'
import { answerTextKind, replaceBodyKind, responseStatusKind } from './content.ts'
import { cookieChangeKind } from './cookie-change.ts'
import { corsKind } from './cors.ts'
import { customErrorsKind } from './custom-errors.ts'
import { customHeadersKind } from './custom-headers.ts'
import { decompressKind } from './decompress.ts'
import { delayKind } from './delay.ts'
import { errorPagesKind } from './error-pages.ts'
import { externalAuthKind } from './external-auth.ts'
import { failureFieldsKind } from './failure-fields.ts'
import { fieldChangeKind } from './field-change.ts'
import { flowIdKind } from './flow-id.ts'
import { forwardedPeerKind } from './forwarded-peer.ts'
import { requestHeadersKind, responseHeadersKind } from './header-edits.ts'
import { headerRulesKind } from './header-rules.ts'
import { hostWithoutDotKind } from './host-without-dot.ts'
import { jwtKind } from './jwt.ts'
import type { FilterKind } from './kind.ts'
import { mirrorKind } from './mirror.ts'
import { paceKind } from './pace.ts'
import { pathChangeKind } from './path-change.ts'
import { queryChangeKind } from './query-change.ts'
import { rateLimitKind } from './rate-limit.ts'
import { appRootKind, redirectKind } from './redirect.ts'
import { redirectToKind } from './redirect-to.ts'
import { rewriteKind } from './rewrite.ts'
import { rewriteCookiesKind } from './rewrite-cookies.ts'
import { rewriteLocationKind } from './rewrite-location.ts'
import { sequenceKind } from './sequence.ts'
import { throttleKind } from './throttle.ts'
import { timeLimitsKind } from './time-limits.ts'
import { tokenFieldsKind } from './token-fields.ts'
import { tokenInfoKind } from './token-info.ts'
import { traceKind } from './trace.ts'
import { upstreamTlsKind } from './upstream-tls.ts'

const rows: readonly FilterKind[] = [
  traceKind,
  accessLogKind,
  clientCertificateKind,
  blockedClientsKind,
  corsKind,
  answersKind,
  accessKind,
  accessRulesKind,
  rateLimitKind,
  anyOfKind([accessKind, basicAuthKind, authRequestKind]),
  basicAuthKind,
  jwtKind,
  externalAuthKind,
  authRequestKind,
  appRootKind,
  redirectKind,
  upstreamTlsKind,
  rewriteKind,
  concurrencyKind,
  mirrorKind,
  commonHeadersKind,
  requestHeadersKind,
  rewriteLocationKind,
  rewriteCookiesKind,
  responseHeadersKind,
  headerRulesKind,
  errorPagesKind,
  customErrorsKind,
  customHeadersKind,
  // Nearer to the client than what changes the length of a body.
  paceKind,
  compressKind,
  // Of a source with an order of its own: they stand in a sequence.
  sequenceKind((kind) => table.get(kind)),
  fieldChangeKind,
  pathChangeKind,
  queryChangeKind,
  forwardedPeerKind,
  hostWithoutDotKind,
  flowIdKind,
  redirectToKind,
  answerTextKind,
  replaceBodyKind,
  responseStatusKind,
  cookieChangeKind,
  allowOriginKind,
  timeLimitsKind,
  failureFieldsKind,
  tokenInfoKind,
  tokenFieldsKind,
  bodyEditKind,
  bodyBlockKind,
  decompressKind,
  admissionKind,
  delayKind,
  throttleKind,
]

const table = new Map<string, FilterKind>(rows.map((row) => [row.kind, row]))

/** The table of kinds: Weir's own, and those of `--filters`. */
export const filterKinds: ReadonlyMap<string, FilterKind> = table

/** Adds kinds of one's own (see own.ts), once, before any route is read; they act behind those of Weir. */
export function addFilterKinds(kinds: readonly FilterKind[]): void {
  for (const kind of kinds) table.set(kind.kind, kind)
}
