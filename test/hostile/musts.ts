// The `must` sentences of the cases, each as a check. Pure. A new sentence without a row is an error.

import { listOf, type Message, valuesOf } from './grammar.ts'
import type { Seen } from './seen.ts'

interface Facts {
  readonly seen: Seen
  readonly sent: readonly Message[]
  readonly outcomes: readonly string[]
  /** Requests at the upstreams. */
  readonly upstream: readonly Message[]
  /** Final responses at the client. */
  readonly answers: readonly Message[]
}

type Check = (facts: Facts) => boolean

/** The judge's general rules see to it, or it is not visible on the wire and shown by other tests. */
const general: Check = () => true

const has = (message: Message, name: string) => valuesOf(message, name).length > 0
const everyUpstream =
  (holds: (message: Message) => boolean): Check =>
  ({ upstream }) =>
    upstream.every(holds)
const without = (...names: string[]): Check =>
  everyUpstream((message) => names.every((name) => !has(message, name)))
const bodyIs = (body: string): Check =>
  everyUpstream((message) => !message.complete || message.body === body)

const rightmostForwarded = (message: Message) =>
  listOf(message, 'x-forwarded-for').at(-1)?.replace('::ffff:', '')
const peerIsRightmost: Check = ({ upstream, seen }) =>
  upstream.every((message) => seen.peerAddresses.includes(rightmostForwarded(message) ?? ''))

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a case puts in and must not come out
const control = /[\x00-\x08\x0b-\x1f\x7f]/

const destroyed: Check = ({ seen }) =>
  seen.requests.every((request) => !request.scripted || (request.closed && request.followers === 0))

const trailersGone: Check = ({ sent, upstream }) => {
  const fields = sent.flatMap((message) => message.trailers)
  return upstream.every((message) =>
    fields.every(([name, value]) => {
      const asTrailer = message.trailers.some(([key]) => key.toLowerCase() === name.toLowerCase())
      // A proxy may say `Connection: close` upstream for reasons of its own.
      const merged = name.toLowerCase() !== 'connection' && valuesOf(message, name).includes(value)
      return !asTrailer && !merged
    }),
  )
}

const noForgedLocation: Check = ({ answers }) =>
  answers.every((answer) =>
    valuesOf(answer, 'location').every((value) => !/[<>\\@;\0]/.test(value)),
  )

const staysEncoded: Check = ({ seen, upstream, answers }) => {
  const encoded = (seen.sent.match(/%0[ad]|%00/gi) ?? []).map((text) => text.toLowerCase())
  const intact = (text: string) => encoded.every((one) => text.toLowerCase().includes(one))
  return (
    upstream.every((message) => intact(message.target) && !has(message, 'x-injected')) &&
    answers.every((answer) => valuesOf(answer, 'location').every(intact))
  )
}

const noTunnel: Check = ({ outcomes }) => outcomes[0] !== '101'
const noUpgrade: Check = ({ outcomes, upstream }) =>
  outcomes[0] !== '101' && upstream.every((message) => !has(message, 'upgrade'))
const noH2c: Check = ({ outcomes, upstream }) =>
  outcomes[0] !== '101' &&
  upstream.every(
    (message) => !listOf(message, 'upgrade').includes('h2c') && !has(message, 'http2-settings'),
  )

const informational = (facts: Facts) =>
  facts.seen.responses.filter((message) => message.status < 200 && message.status !== 101)

const cutBody: Check = ({ answers }) =>
  answers.every((answer) => !answer.complete || answer.status >= 400)

const boundedMemoryKib = 24_576

const checks: Readonly<Record<string, Check>> = {
  'the backend never sees a request for /admin or a header X-Smuggled': everyUpstream(
    (message) => message.target !== '/admin' && !has(message, 'x-smuggled'),
  ),
  'at most one response on the client connection': ({ answers }) => answers.length <= 1,
  'never forwarded with this Transfer-Encoding value unchanged': ({ seen, upstream }) => {
    const value = /Transfer-Encoding: ([\s\S]*?)\r\n/.exec(seen.sent)?.[1]
    return upstream.every(
      (message) => !valuesOf(message, 'transfer-encoding').includes(value ?? ''),
    )
  },
  'backend body is hello': bodyIs('hello'),
  'backend body helloworld': bodyIs('helloworld'),
  'backend body hello': bodyIs('hello'),
  'the backend does not get the field Transfer_Encoding': without('transfer_encoding'),
  'the backend does not get the field Content_Length': without('content_length'),
  'two responses; backend sees POST with Content-Length: 0 (or no body), then GET /second': ({
    answers,
    upstream,
  }) => answers.length === 2 && upstream[0]?.bodyBytes === 0 && upstream[1]?.target === '/second',
  'if forwarded, the 5 bytes go with it; they are never parsed as a request': bodyIs('hello'),
  'no body in the HEAD response; /second answered correctly': ({ answers, outcomes }) =>
    outcomes[0] !== 'forwarded' ||
    (answers.length === 2 && answers[1]?.body.includes('"target":"/second"') === true),
  'DELETE body stays chunked or CL upstream (old node-http-proxy set Content-Length: 0 and dropped Transfer-Encoding: desync CVE class)':
    ({ upstream }) => upstream[0]?.body === 'hello',
  'no 100 Continue is sent': (facts) => informational(facts).length === 0,
  'upstream request is aborted, never completed as if the body were whole': general,
  'no memory is reserved for the announced size; the connection ends by limit or timeout': general,
  'upstream chunk header is re-written': bodyIs('hello'),
  'extensions are dropped, not forwarded': general,
  '/second is never served as its own request': everyUpstream(
    (message) => message.target !== '/second',
  ),
  'the field is not merged into the headers and does not reach the backend as a header':
    trailersGone,
  'the byte never reaches the backend': everyUpstream((message) =>
    message.fields.every(([name, value]) => !control.test(name + value)),
  ),
  'bytes unchanged: no UTF-8 re-encoding through JS strings (latin1 both ways)': ({
    sent,
    upstream,
  }) =>
    upstream.every(
      (message) => valuesOf(message, 'x-a')[0] === valuesOf(sent[0] ?? message, 'x-a')[0],
    ),
  'no prototype pollution; no crash': general,
  'X_Forwarded_For does not reach the backend': without('x_forwarded_for', 'x_real_ip'),
  'two responses': ({ answers }) => answers.length === 2,
  'if forwarded, upstream sees HTTP/1.1': everyUpstream(({ version }) => version === 'HTTP/1.1'),
  '6.6.6.6 is never believed': everyUpstream(({ fields }) =>
    fields.every(([, value]) => !value.includes('6.6.6.6')),
  ),
  'never used to build a URL, a log line or a redirect unescaped': noForgedLocation,
  'routes as host a.test': ({ seen }) => seen.requests.every(({ service }) => service === 'echo'),
  'no match = 404': general,
  'upstream gets origin-form /p and Host a.test': everyUpstream(
    (message) => message.target === '/p' && valuesOf(message, 'host')[0] === 'a.test',
  ),
  'userinfo is not forwarded': everyUpstream(
    (message) => !`${message.target} ${valuesOf(message, 'host').join()}`.includes('@'),
  ),
  'upstream path is /': everyUpstream(({ target }) => target === '/'),
  'if forwarded the target stays *': everyUpstream(({ target }) => target === '*'),
  'routed as host a.test, path //b.test/admin (new URL(target) would make b.test the host)': ({
    seen,
  }) => seen.requests.every(({ service }) => service === 'echo'),
  'host stays a.test': everyUpstream((message) => valuesOf(message, 'host')[0] === 'a.test'),
  'no request to 169.254.169.254': everyUpstream(
    (message) => valuesOf(message, 'host')[0] === 'a.test',
  ),
  'the path used for the route choice and the path the backend receives are the same string after the same normalisation: a request that a backend would resolve to /admin is never handled by the /public rule':
    general,
  'percent-encoded CR LF NUL stay encoded upstream and in redirects and logs': staysEncoded,
  'backend gets neither Connection: X-Custom nor X-Custom': everyUpstream(
    (message) => !has(message, 'x-custom') && !listOf(message, 'connection').includes('x-custom'),
  ),
  "the backend still gets the proxy's own X-Forwarded-*": peerIsRightmost,
  'Host and framing are never removed': everyUpstream(
    (message) => valuesOf(message, 'host')[0] === 'a.test',
  ),
  'policy for end-to-end fields (Authorization, Cookie): stripping is what the RFC says; Traefik protects only X-*: write it down':
    general,
  'either TE: trailers with Connection: TE, or none': everyUpstream(
    (message) => !has(message, 'te') || listOf(message, 'connection').includes('te'),
  ),
  'gzip is not forwarded': everyUpstream(
    (message) => !valuesOf(message, 'te').join().includes('gzip'),
  ),
  'client gets Connection: close and FIN after the response': ({ seen, answers }) =>
    seen.ended !== 'open' &&
    answers.every((answer) => listOf(answer, 'connection').includes('close')),
  'upstream connection may be reused': general,
  'both X-A and X-B removed': without('x-a', 'x-b'),
  'X-A removed, no crash': without('x-a'),
  "backend's right-most X-Forwarded-For entry is the real peer address": peerIsRightmost,
  'from an untrusted peer nothing to the left is used for access rules, rate limits or logs as the client IP':
    general,
  'from a trusted peer (ALB) the entry the ALB added (right-most) is the client': general,
  'dropped or replaced': everyUpstream(
    (message) => !valuesOf(message, 'forwarded').join().includes('6.6.6.6'),
  ),
  'not parsed into a wrong split; dropped or forwarded opaque': ({ sent, upstream }) =>
    upstream.every((message) => {
      const [value] = valuesOf(message, 'forwarded')
      const opaque = sent[0] !== undefined && value === valuesOf(sent[0], 'forwarded')[0]
      return value === undefined || opaque || !value.includes('7.7.7.7')
    }),
  'X-Real-IP is set by the proxy or removed; the others are not trusted': everyUpstream((message) =>
    valuesOf(message, 'x-real-ip').every((value) => value === '127.0.0.1'),
  ),
  'no 101 to the client; Upgrade removed upstream': noUpgrade,
  'no 101': noTunnel,
  'Upgrade: h2c and HTTP2-Settings are not forwarded; a backend 101 h2c never opens a tunnel':
    noH2c,
  'no h2c tunnel': noTunnel,
  'no h2c tunnel; X-Forwarded-For intact': (facts) => noTunnel(facts) && peerIsRightmost(facts),
  'a 101 with Upgrade: h2c from the backend is refused (502)': ({ answers }) =>
    answers.every((answer) => !listOf(answer, 'upgrade').includes('h2c')),
  'no tunnel': noTunnel,
  'the proxy does not take part in extensions': ({ sent, upstream }) =>
    upstream.every(
      (message) =>
        valuesOf(message, 'sec-websocket-extensions').join() ===
        valuesOf(sent[0] ?? message, 'sec-websocket-extensions').join(),
    ),
  '100 is sent (by the proxy or relayed) exactly once, then the final status': (facts) =>
    informational(facts).filter((message) => message.status === 100).length === 1,
  'final status relayed without waiting for the body; connection closed or body discarded': general,
  'no 100 to an HTTP/1.0 client': (facts) => informational(facts).length === 0,
  'parser is incremental': general,
  'bounded buffering per connection; write timeout closes it': ({ seen }) =>
    seen.grownKib < boundedMemoryKib,
  'still open at 65 s: keep-alive timeout must be above the ALB idle timeout (60 s)': general,
  'responses in request order': ({ answers }) =>
    answers[0]?.body.includes('"target":"/sleep/1"') === true &&
    answers[1]?.body.includes('"target":"/fast"') === true,
  'the first response is complete, then 400/close': general,
  'upstream request is cancelled; no unhandled error; counters show 499-like': ({ seen }) =>
    seen.requests.every(({ closed }) => closed),
  'decide: nginx/HAProxy/Go answer; Node allowHalfOpen=false kills it. Behind ALB it does not occur':
    general,
  'the upstream connection is destroyed, never returned to the pool': destroyed,
  'client never sees both fields': ({ answers }) =>
    answers.every((answer) => !has(answer, 'content-length') || !has(answer, 'transfer-encoding')),
  'client sees an incomplete message (connection closed / no last chunk), never a clean end':
    cutBody,
  'no last-chunk is written to the client': cutBody,
  'EXTRA never reaches this or another client (response queue poisoning)': ({ seen }) =>
    !seen.clientBytes.includes('EXTRA'),
  'the next request on the pool does not get evil': ({ seen }) =>
    !seen.clientBytes.includes('evil'),
  'client on keep-alive gets chunked, or Connection: close': ({ seen, answers }) =>
    seen.ended !== 'open' ||
    answers.every((answer) => has(answer, 'transfer-encoding') || has(answer, 'content-length')),
  'the upstream connection is destroyed unless the response was forwarded': (facts) =>
    facts.outcomes[0] === 'forwarded' || destroyed(facts),
  'no crash when writing it (Node validates statusMessage)': general,
  'no crash (Node setHeader throws ERR_INVALID_HTTP_TOKEN)': general,
  'X-Secret, Keep-Alive, Proxy-Authenticate not sent to the client': ({ answers }) =>
    answers.every(
      (answer) =>
        !has(answer, 'x-secret') &&
        !valuesOf(answer, 'keep-alive').includes('timeout=1') &&
        !has(answer, 'proxy-authenticate'),
    ),
  'retry only if safe (see the retry table)': general,
  'idempotent request without body consumed: retried once on a NEW connection; POST is not replayed':
    ({ seen }) =>
      seen.requests.length <= 2 &&
      new Set(seen.requests.map(({ connectionId }) => connectionId)).size === seen.requests.length,
  'no 1xx to the client': (facts) => informational(facts).length === 0,
  'bounded number of 1xx per response': general,
  '1xx does not reset the response timeout for ever': general,
  'client gets Connection: Upgrade, Upgrade: websocket; X-Hop and Keep-Alive removed': ({
    answers,
  }) =>
    answers.every(
      (answer) =>
        listOf(answer, 'connection').includes('upgrade') &&
        listOf(answer, 'upgrade').includes('websocket') &&
        !has(answer, 'x-hop') &&
        !has(answer, 'keep-alive'),
    ),
  '\\x81\\x05hello reaches the client once, after the 101 head': ({ seen }) =>
    seen.tunnelled === '\x81\x05hello',
  'upstream connection is not reused until the request body has been sent in full': ({ seen }) =>
    seen.requests.every((request) => request.followers === 0),
  'backpressure: proxy memory stays bounded (< a few hundred KiB per connection)': ({ seen }) =>
    seen.grownKib < boundedMemoryKib,
  'first byte latency < 100 ms': ({ seen }) =>
    seen.firstBodyAt > 0 && (seen.scriptEndedAt === 0 || seen.firstBodyAt < seen.scriptEndedAt),
  'X-Sum as trailer or dropped; Content-Length and Set-Cookie trailers dropped': ({ answers }) =>
    answers.every(({ trailers, status }) =>
      status !== 200 ? true : trailers.every(([name]) => /^x-sum$/i.test(name)),
    ),
  'never passed on as a complete body': ({ answers }) =>
    answers.every((answer) => !answer.complete || answer.status >= 400),
}

/** Says whether a sentence has a row. */
export const hasCheck = (must: string): boolean => checks[must] !== undefined

/** Checks one sentence; gives what is broken. */
export function checkMust(
  must: string,
  seen: Seen,
  sent: readonly Message[],
  outcomes: readonly string[],
): string | undefined {
  const check = checks[must]
  if (check === undefined) return `no check for the sentence: ${must}`
  const upstream = seen.requests.map((request) => request.message)
  const answers = seen.responses.filter(({ status }) => status >= 200 || status === 101)
  return check({ seen, sent, outcomes, upstream, answers }) ? undefined : `broken: ${must}`
}
