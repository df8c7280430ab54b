// What becomes of keys under ingress-nginx's prefix that it never knew: closed as everything that may protect, or served as it
// served them, where `--like ingress-nginx` asks for that.
import t from 'tap'
import { nginx } from './nginx.ts'
import { meantBy } from './nginx-inventions.ts'
import { readAnnotations } from './read.ts'

const read = (key: string, like?: 'ingress-nginx') =>
  readAnnotations(
    {
      metadata: {
        namespace: 'shop',
        name: 'web',
        annotations: { [`${nginx.prefix}${key}`]: '10' },
      },
      spec: { rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix' }] } }] },
    },
    like === undefined ? {} : { like },
  )

const rows: { key: string; meant: RegExp; protects: boolean; why: string }[] = [
  { key: 'rate-limit', meant: /limit-rps\?/, protects: true, why: 'a common invention' },
  { key: 'rate-limit-window', meant: /limit-rpm/, protects: true, why: 'another' },
  {
    key: 'ssl-protocols',
    meant: /of the ConfigMap/,
    protects: true,
    why: 'a key of the ConfigMap',
  },
  { key: 'whitelist-source-rang', meant: /whitelist-source-range/, protects: true, why: 'a slip' },
  { key: 'auth-of-our-own', meant: /Remove it/, protects: true, why: 'nobody knows what it means' },
  { key: 'proxy-read-timeuot', meant: /proxy-read-timeout/, protects: false, why: 'no protection' },
]

for (const { key, meant, protects, why } of rows) {
  t.test(`${key}: ${why}`, async (t) => {
    const closed = read(key)
    t.equal('kind' in closed.termsFor('/', 'Prefix').backend, protects)
    t.match(closed.problems, [{ reason: 'unknown-annotation', remedy: meant }])
    const served = read(key, 'ingress-nginx')
    t.notOk('kind' in served.termsFor('/', 'Prefix').backend)
    t.match(served.problems, [
      {
        reason: 'unknown-annotation',
        remedy: meant,
        message: protects ? /ingress-nginx never knew/ : /does not know/,
      },
    ])
  })
}

t.test('no known key is called an invention', async (t) => {
  for (const { key } of nginx.rows) t.equal(meantBy(key), undefined, key)
})
