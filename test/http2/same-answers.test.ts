// Do policies do the same for HTTP/2 as for HTTP/1.1? The real program with annotated Ingresses; each request is made both ways, and
// what comes back, what the upstream saw and what the log says is compared.
import { once } from 'node:events'
import { connect } from 'node:http2'
import t from 'tap'
import { createManifestFolder, ingressOf, serviceOf } from '../support/manifests.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf, requestOnce } from '../support/raw-client.ts'
import { startEcho } from '../support/upstream.ts'

const nginx = 'nginx.ingress.kubernetes.io'

const policies: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  plain: {},
  tls: { [`${nginx}/force-ssl-redirect`]: 'true' },
  moved: { [`${nginx}/permanent-redirect`]: 'https://other.test/x' },
  denied: { [`${nginx}/whitelist-source-range`]: '10.0.0.0/8' },
  small: { [`${nginx}/proxy-body-size`]: '10' },
  rewritten: { [`${nginx}/rewrite-target`]: '/new' },
  cors: { [`${nginx}/enable-cors`]: 'true', [`${nginx}/cors-allow-origin`]: 'https://b.test' },
  closed: { [`${nginx}/auth-type`]: 'digest' },
  limited: { [`${nginx}/limit-rps`]: '1', [`${nginx}/limit-burst-multiplier`]: '1' },
}

interface Ask {
  readonly host: string
  readonly method?: string
  readonly path?: string
  readonly fields?: Readonly<Record<string, string>>
  readonly body?: string
  readonly status: number
  readonly why: string
}

const asks: readonly Ask[] = [
  { host: 'plain', path: '/a?b=c', status: 200, why: 'nothing is asked for' },
  { host: 'plain', method: 'HEAD', status: 200, why: 'no body' },
  { host: 'plain', method: 'POST', body: 'x'.repeat(100_000), status: 200, why: 'a body' },
  { host: 'plain', fields: { te: 'trailers', cookie: 'a=1; b=2' }, status: 200, why: 'fields' },
  {
    host: 'plain',
    fields: { 'x-forwarded-for': '6.6.6.6', 'x-real-ip': '6.6.6.6' },
    status: 200,
    why: 'what nobody believes',
  },
  { host: 'nobody', status: 404, why: 'no route' },
  { host: 'plain', path: '/a%', status: 400, why: 'a path that nobody reads alike' },
  { host: 'plain', path: '/kube-system/healthz', status: 200, why: 'the health check' },
  { host: 'tls', path: '/a?b', status: 308, why: 'to https' },
  { host: 'moved', status: 301, why: 'a redirect' },
  { host: 'denied', status: 403, why: 'an access list' },
  { host: 'small', method: 'POST', body: 'x'.repeat(100), status: 413, why: 'a body too large' },
  { host: 'small', method: 'POST', body: 'x', status: 200, why: 'and one that is not' },
  { host: 'rewritten', path: '/old', status: 200, why: 'a rewrite' },
  { host: 'cors', fields: { origin: 'https://b.test' }, status: 200, why: 'CORS' },
  {
    host: 'cors',
    method: 'OPTIONS',
    fields: { origin: 'https://b.test', 'access-control-request-method': 'PUT' },
    status: 204,
    why: 'a preflight',
  },
  { host: 'closed', status: 503, why: 'a policy that is not understood' },
]

/** What is compared: an answer without what differs from request to request. */
interface Seen {
  readonly status: number
  readonly fields: readonly string[]
  readonly body: string
}

// Of one hop in HTTP/1.1, of each request, or of the moment.
const varying = /^(?:connection|keep-alive|date|transfer-encoding|content-length|x-request-id)$/
const withoutIds = (text: string) =>
  text.replace(/[0-9a-f]{32}/g, 'ID').replace(/127\.0\.0\.1:\d+/g, 'ENDPOINT')

function seen(status: number, fields: readonly (readonly [string, string])[], body: string): Seen {
  const kept = fields
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !varying.test(name) && !name.startsWith(':'))
    .map(([name, value]) => `${name}: ${withoutIds(value)}`)
  return { status, fields: kept.sort(), body: echoWithout(withoutIds(body)) }
}

/** An echo says what it saw: names in lower case, framing apart, as the two versions write them. */
function echoWithout(body: string): string {
  if (!body.startsWith('{')) return body
  const echo: { headers: string[] } = JSON.parse(body)
  const pairs = echo.headers.flatMap((name, at) =>
    at % 2 === 0 ? [`${name.toLowerCase()}: ${echo.headers[at + 1]}`] : [],
  )
  const kept = pairs.filter((line) => !/^(?:content-length|transfer-encoding|host):/.test(line))
  return JSON.stringify({ ...echo, headers: kept.sort() })
}

t.test('the same for both versions', async (t) => {
  const web = await startEcho('web')
  const manifests = createManifestFolder([
    ...serviceOf('web', [web]),
    ...Object.entries(policies).map(([name, annotations]) =>
      ingressOf(name, [{ host: `${name}.test`, service: 'web' }], annotations),
    ),
  ])
  const proxy = await startProxyProcess({ flags: ['--manifests', manifests.path, '--h2c'] })
  const session = connect(`http://127.0.0.1:${proxy.port}`)
  t.teardown(async () => {
    session.destroy()
    await proxy.stop()
    await web.close()
    manifests.dispose()
  })

  async function byHttp1({ host, method = 'GET', path = '/', fields = {}, body }: Ask) {
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
    if (fields.te !== undefined) lines.push('Connection: te')
    if (body !== undefined) lines.push(`Content-Length: ${body.length}`)
    const head = [`${method} ${path} HTTP/1.1`, `Host: ${host}.test`, ...lines, '', '']
    const response = await requestOnce(proxy.port, head.join('\r\n') + (body ?? ''))
    t.ok(fieldsOf(response, 'date').length === 1)
    return seen(response.status, response.fields, response.body)
  }

  async function byHttp2({ host, method = 'GET', path = '/', fields = {}, body }: Ask) {
    const stream = session.request({
      ':method': method,
      ':path': path,
      ':authority': `${host}.test`,
      ...fields,
      ...(body !== undefined && { 'content-length': body.length }),
    })
    stream.on('error', () => undefined)
    stream.end(body)
    const [head, , raw] = await once(stream, 'response')
    const list: string[] = raw
    let text = ''
    stream.setEncoding('latin1')
    for await (const piece of stream) text += piece
    const pairs = list.flatMap((name, at): [string, string][] =>
      at % 2 === 0 ? [[name, list[at + 1] ?? '']] : [],
    )
    return seen(Number(head[':status']), pairs, text)
  }

  for (const ask of asks) {
    const first = await byHttp1(ask)
    const second = await byHttp2(ask)
    t.equal(first.status, ask.status, `${ask.host} ${ask.path ?? '/'}: ${ask.why}`)
    t.same(second, first, `${ask.host}: ${ask.why}, by HTTP/2`)
  }

  const limited = { host: 'limited', status: 0, why: '' }
  const statuses = [await byHttp1(limited), await byHttp2(limited), await byHttp2(limited)]
  t.ok(
    statuses.slice(1).some(({ status }) => status >= 429),
    `one budget for both: ${statuses.map(({ status }) => status)}`,
  )
})
