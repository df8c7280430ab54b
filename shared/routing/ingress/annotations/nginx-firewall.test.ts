// Weir has no web application firewall: who asks for one is closed, and who goes without the one of all is served.
import t from 'tap'
import { readConfigMap } from '../config-map/read.ts'
import { readAnnotations } from './read.ts'

const metadata = { namespace: 'ingress-nginx', name: 'controller' }
const configOf = (data: Readonly<Record<string, string>>) =>
  readConfigMap({ metadata, data }, 'ingress-nginx')

const rows: {
  key?: string
  config: Readonly<Record<string, string>>
  isClosed: boolean
  why: string
}[] = [
  { config: {}, isClosed: false, why: 'nobody asks for one' },
  { key: 'true', config: {}, isClosed: true, why: 'the Ingress asks for one' },
  { key: 'false', config: {}, isClosed: false, why: 'it says that it needs none' },
  { key: 'maybe', config: {}, isClosed: true, why: 'it may ask for one' },
  { config: { 'enable-modsecurity': 'true' }, isClosed: true, why: 'one for all' },
  {
    key: 'false',
    config: { 'enable-modsecurity': 'true', 'enable-owasp-modsecurity-crs': 'true' },
    isClosed: false,
    why: 'one for all but this one',
  },
  {
    key: 'false',
    config: { 'enable-modsecurity': 'true', 'http-snippet': 'deny all;' },
    isClosed: true,
    why: 'something else may protect it',
  },
]

for (const { key, config, isClosed, why } of rows) {
  t.test(`${key} with ${JSON.stringify(config)}: ${why}`, async (t) => {
    const annotations =
      key === undefined ? {} : { 'nginx.ingress.kubernetes.io/enable-modsecurity': key }
    const { termsFor } = readAnnotations(
      {
        metadata: { namespace: 'shop', name: 'web', annotations },
        spec: { rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix' }] } }] },
      },
      configOf(config).defaults,
    )
    t.equal('kind' in termsFor('/', 'Prefix').backend, isClosed)
  })
}
