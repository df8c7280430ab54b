// Is the affinity cookie of an Ingress the one that ingress-nginx would set, and does it lead back? The real program: per row a
// host, all with the same two endpoints.
import t from 'tap'
import { type Ask, ask, until } from './support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import { startNamedPair } from './support/named-pair.ts'
import { startProxyProcess } from './support/proxy-process.ts'
import { fieldsOf, type RawResponse } from './support/raw-client.ts'

interface Row {
  readonly keys: Readonly<Record<string, string>>
  readonly fields?: readonly string[]
  readonly path?: string
  /** All attributes of the cookie behind its name and value; Expires as seconds from now. */
  readonly attributes: readonly string[]
  readonly why: string
}

const https = ['X-Forwarded-Proto: https']

const rows: readonly Row[] = [
  { keys: {}, attributes: ['Path=/', 'HttpOnly'], why: 'the defaults' },
  { keys: {}, fields: https, attributes: ['Path=/', 'HttpOnly', 'Secure'], why: 'over https' },
  {
    keys: { 'session-cookie-secure': 'false' },
    fields: https,
    attributes: ['Path=/', 'HttpOnly', 'Secure'],
    why: 'Secure cannot be turned off over https',
  },
  {
    keys: { 'session-cookie-secure': 'true' },
    attributes: ['Path=/', 'HttpOnly', 'Secure'],
    why: 'asked for on plain http',
  },
  {
    keys: { 'session-cookie-max-age': '60', 'session-cookie-expires': '3600' },
    attributes: ['Path=/', 'Max-Age=60', 'Expires=3600', 'HttpOnly'],
    why: 'each lifetime from its own key',
  },
  {
    keys: { 'session-cookie-expires': '60' },
    attributes: ['Path=/', 'Expires=60', 'HttpOnly'],
    why: 'Expires alone',
  },
  {
    keys: { 'session-cookie-max-age': '1h', 'session-cookie-domain': 'b.test' },
    attributes: ['Path=/', 'Domain=b.test', 'HttpOnly'],
    why: 'a lifetime that is no number is none',
  },
  {
    keys: { 'session-cookie-samesite': 'none', 'session-cookie-conditional-samesite-none': 'true' },
    fields: ['User-Agent: Mozilla Chrome/51.0'],
    attributes: ['Path=/', 'HttpOnly', 'Secure'],
    why: 'a browser that does not know None',
  },
]

const hostOf = (index: number) => `s${index}.test`
const affinity = { 'nginx.ingress.kubernetes.io/affinity': 'cookie' }
const prefixed = (keys: Row['keys']) => ({
  ...affinity,
  ...Object.fromEntries(
    Object.entries(keys).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
  ),
})

/** The attributes of a cookie; the time of Expires becomes the nearest ten seconds from now. */
function attributesOf(response: RawResponse): readonly string[] {
  const [cookie = ''] = fieldsOf(response, 'set-cookie')
  return cookie
    .split('; ')
    .slice(1)
    .map((attribute) => {
      const [, date] = /^Expires=(.*)$/.exec(attribute) ?? []
      if (date === undefined) return attribute
      return `Expires=${Math.round((Date.parse(date) - Date.now()) / 10_000) * 10}`
    })
}

t.test('affinity in the words of ingress-nginx', async (t) => {
  const { endpoints, close } = await startNamedPair()
  const folder = createManifestFolder([
    ...rows.map(({ keys }, index) =>
      ingressOf(`s${index}`, [{ host: hostOf(index), service: 'web' }], prefixed(keys)),
    ),
    ingressOf(
      'key',
      [{ host: 'key.test', service: 'web' }],
      prefixed({ 'affinity-mode': 'balanced' }),
    ),
    ...serviceOf('web', endpoints),
  ])
  const flags = ['--manifests', folder.path, '--trusted-proxies', '127.0.0.1/32']
  const proxy = await startProxyProcess({ flags })
  t.teardown(async () => {
    await proxy.stop()
    await close()
    folder.dispose()
  })
  const send = (asked: Ask) => ask(proxy.port, asked)

  for (const [index, { keys, attributes, why, fields = [] }] of rows.entries()) {
    await t.test(`${JSON.stringify(keys)}: ${why}`, async (t) => {
      const first = await send({ host: hostOf(index), fields })
      t.same(attributesOf(first), attributes)
      const [cookie = ''] = fieldsOf(first, 'set-cookie')
      t.match(cookie, /^INGRESSCOOKIE=/)
      const back = [...fields, `Cookie: ${cookie.split(';')[0]}`]
      for (let count = 0; count < 4; count += 1) {
        const next = await send({ host: hostOf(index), fields: back })
        t.equal(next.body, first.body, 'it leads back')
        t.same(fieldsOf(next, 'set-cookie'), [])
      }
    })
  }

  await t.test('balanced: any value is a key', async (t) => {
    const served = new Set<string>()
    for (let user = 0; user < 20; user += 1) {
      const fields = [`Cookie: INGRESSCOOKIE=user-${user}`]
      const first = await send({ host: 'key.test', fields })
      t.same(fieldsOf(first, 'set-cookie'), [], 'no new cookie comes')
      t.equal((await send({ host: 'key.test', fields })).body, first.body)
      served.add(first.body)
    }
    t.equal(served.size, 2, 'keys spread over the endpoints')
    const first = await send({ host: 'key.test' })
    const [cookie = ''] = fieldsOf(first, 'set-cookie')
    t.match(cookie, /^INGRESSCOOKIE=[0-9a-f]{8}-[0-9a-f]{16}; Path=\/; HttpOnly$/)
    const fields = [`Cookie: ${cookie.split(';')[0]}`]
    t.equal((await send({ host: 'key.test', fields })).body, first.body)
  })

  await t.test('a cookie of another Service means nothing: a new one comes', async (t) => {
    const first = await send({ host: hostOf(0) })
    const [cookie = ''] = fieldsOf(first, 'set-cookie')
    const left = endpoints.filter(({ name }) => name !== first.body)
    folder.write('moved.json', serviceOf('moved', left))
    folder.write('moved-ingress.json', [
      ingressOf('moved', [{ host: 'moved.test', service: 'moved' }], prefixed({})),
    ])
    const fields = [`Cookie: ${cookie.split(';')[0]}`]
    const isServed = ({ status }: RawResponse) => status === 200
    const moved = await until('served', () => send({ host: 'moved.test', fields }), isServed)
    t.equal(moved.body, left[0]?.name)
    t.equal(fieldsOf(moved, 'set-cookie').length, 1)
  })
})
