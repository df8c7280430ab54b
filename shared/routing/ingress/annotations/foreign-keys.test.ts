import t from 'tap'
import { readPrefixes } from '../../../ignored-annotations.ts'
import type { Ingress } from '../../../kube/objects.ts'
import { families } from './families.ts'
import { foreignFamilies } from './foreign-families.ts'
import { findForeign } from './foreign-keys.ts'
import { annotationReader, readAnnotations } from './read.ts'

const nobody = () => false
const alb = 'alb.ingress.kubernetes.io'

const guards: { key: string; value?: string; use?: string; why: string }[] = [
  { key: 'traefik.ingress.kubernetes.io/router.middlewares', why: 'may be any filter' },
  { key: 'traefik.ingress.kubernetes.io/router.tls.options', why: 'may ask for certificates' },
  { key: 'ingress.kubernetes.io/auth-type', use: 'basic-auth-secret', why: 'a password' },
  {
    key: 'ingress.kubernetes.io/whitelist-source-range',
    use: 'allow-source-ranges',
    why: 'a list',
  },
  { key: `${alb}/inbound-cidrs`, use: 'allow-source-ranges', why: 'an address list' },
  { key: `${alb}/auth-type`, value: 'oidc', use: 'jwt-keys', why: 'a login' },
  { key: `${alb}/auth-idp-oidc`, use: 'jwt-keys', why: 'a login' },
  { key: `${alb}/jwt-validation`, use: 'jwt-keys', why: 'signed tokens' },
  { key: `${alb}/mutual-authentication`, why: 'client certificates' },
  { key: `${alb}/wafv2-acl-arn`, why: 'a firewall' },
  { key: `${alb}/security-groups`, why: 'a firewall of another layer' },
  { key: `${alb}/conditions.admin`, why: 'may narrow a rule to some addresses' },
  { key: `${alb}/ssl-redirect`, value: '443', use: 'ssl-redirect', why: 'no plain text' },
  { key: 'haproxy.org/deny-list', use: 'deny-source-ranges', why: 'an address list' },
  { key: 'haproxy.org/allow-list', use: 'allow-source-ranges', why: 'an address list' },
  { key: 'haproxy.org/rate-limit-requests', use: 'rate-limit', why: 'a limit' },
  { key: 'haproxy.org/backend-config-snippet', why: 'raw text may hold deny rules' },
  { key: 'haproxy-ingress.github.io/auth-url', use: 'auth-url', why: 'a login' },
  { key: 'haproxy-ingress.github.io/oauth', use: 'auth-service', why: 'a login' },
  { key: 'haproxy-ingress.github.io/waf', value: 'modsecurity', why: 'a firewall' },
  { key: 'konghq.com/plugins', why: 'may be any filter' },
  { key: 'konghq.com/methods', why: 'narrows the routes' },
  { key: 'plugins.konghq.com', why: 'a key without a slash' },
  { key: 'nginx.org/server-snippets', why: 'raw text may hold deny rules' },
  { key: 'nginx.org/limit-req-rate', use: 'rate-limit', why: 'a limit' },
  { key: 'nginx.org/policies', why: 'may be any filter' },
  { key: 'nginx.com/jwt-realm', use: 'jwt-keys', why: 'signed tokens' },
  { key: 'appgw.ingress.kubernetes.io/waf-policy-for-path', why: 'a firewall' },
  { key: 'appgw.ingress.kubernetes.io/use-private-ip', value: 'true', why: 'private' },
  { key: 'networking.gke.io/v1beta1.FrontendConfig', why: 'case does not matter' },
  { key: 'cloud.google.com/backend-config', why: 'may be IAP or Cloud Armor' },
  {
    key: 'ingress.pomerium.io/allow_public_unauthenticated_access',
    value: 'false',
    why: 'no is yes',
  },
  { key: 'mse.ingress.kubernetes.io/auth-consumer', why: 'a controller that we do not know' },
  {
    key: 'ingress.appscode.com/auth-type',
    value: 'basic',
    use: 'basic-auth-secret',
    why: 'a login',
  },
  { key: 'projectcontour.io/jwt', use: 'jwt-keys', why: 'the name says so' },
  { key: `${alb}/ip-allow`, use: 'allow-source-ranges', why: 'the name says so' },
]

for (const { key, value = 'x', use, why } of guards) {
  t.test(`${key}: ${value} closes: ${why}`, async (t) => {
    const findings = findForeign(new Map([[key, value]]), nobody)
    t.match(findings, [{ key, mayProtect: true, message: /^Weir does not read .*\.$/ }])
    const remedy = use === undefined ? 'Remove it, or' : `Use weir.dev/${use}, or`
    t.equal(findings[0]?.remedy.startsWith(remedy), true, remedy)
    const { termsFor, problems } = readAnnotations(ingress({ [key]: value }))
    t.match(problems, [{ reason: 'unknown-annotation', message: /answer 503/ }])
    t.match(termsFor('/', 'Prefix').backend, { kind: 'closed' })
  })
}

const idle: { key: string; value?: string; why: string }[] = [
  { key: `${alb}/scheme`, value: 'internal', why: 'of the load balancer' },
  { key: `${alb}/subnets`, why: 'of the load balancer' },
  { key: `${alb}/certificate-arn`, why: 'of the load balancer' },
  { key: `${alb}/ssl-policy`, why: 'of the load balancer' },
  { key: `${alb}/listen-ports`, why: 'of the load balancer' },
  { key: `${alb}/tags`, why: 'of the load balancer' },
  { key: `${alb}/healthcheck-path`, why: 'of the load balancer' },
  { key: `${alb}/ip-address-type`, why: 'of the load balancer' },
  { key: `${alb}/auth-type`, value: 'none', why: 'no login' },
  { key: `${alb}/actions.blue-green`, why: 'its Service does not exist, which answers 503' },
  { key: 'traefik.ingress.kubernetes.io/router.tls', value: 'true', why: 'ends at the balancer' },
  { key: 'traefik.ingress.kubernetes.io/router.priority', why: 'an order' },
  { key: 'haproxy.org/ssl-redirect', value: 'false', why: 'nothing is asked for' },
  { key: 'haproxy-ingress.github.io/balance-algorithm', why: 'a balance' },
  { key: 'konghq.com/strip-path', value: 'true', why: 'a rewrite' },
  { key: 'nginx.org/proxy-read-timeout', why: 'a time' },
  { key: 'projectcontour.io/response-timeout', why: 'a time' },
  { key: 'kubernetes.io/ingress.global-static-ip-name', why: 'of the load balancer' },
  { key: 'ingress.kubernetes.io/ssl-cert', why: 'the GKE controller writes it' },
]

for (const { key, value = 'x', why } of idle) {
  t.test(`${key}: ${value} is reported and closes nothing: ${why}`, async (t) => {
    const findings = findForeign(new Map([[key, value]]), nobody)
    t.match(findings, [{ key, mayProtect: false, message: /has no effect\.$/ }])
  })
}

t.test('what closes nothing is said once for each family', async (t) => {
  const keys = [`${alb}/scheme`, 'konghq.com/strip-path', `${alb}/subnets`, `${alb}/tags`]
  const given = new Map(keys.map((key) => [key, 'x']))
  t.match(findForeign(given, nobody), [
    { key: `${alb}/scheme`, message: `${alb}/scheme and 2 more have no effect.` },
    { key: 'konghq.com/strip-path', message: /strip-path has no effect\.$/ },
  ])
})

const silent = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'cert-manager.io/cluster-issuer',
  'acme.cert-manager.io/http01-edit-in-place',
  'kubernetes.io/tls-acme',
  'kubernetes.io/ingress.class',
  'ingressclass.kubernetes.io/is-default-class',
  'external-dns.alpha.kubernetes.io/access',
  'meta.helm.sh/release-name',
  'argocd.argoproj.io/sync-options',
  'link.argocd.argoproj.io/external-link',
  'app.kubernetes.io/part-of',
  'field.cattle.io/publicEndpoints',
  'example.com/auth-type',
  'nginx.ingress.kubernetes.io/auth-type',
  'weir.dev/basic-auth-secret',
  'zalando.org/skipper-filter',
]

t.test(
  'keys that no other controller reads, and those that we read, are not foreign',
  async (t) => {
    for (const key of silent) t.strictSame(findForeign(new Map([[key, 'x']]), nobody), [], key)
  },
)

t.test('what is ignored is neither reported nor does it close', async (t) => {
  const read = annotationReader({ ignored: ['*'], pathWildcards: false })
  const { problems, termsFor } = read(ingress({ 'konghq.com/plugins': 'x', [`${alb}/tags`]: 'y' }))
  t.strictSame(problems, [])
  t.notOk('kind' in termsFor('/', 'Prefix').backend)
  const ours = read(ingress({ 'weir.dev/allow-source-ranges': 'x' }))
  t.match(ours.problems, [{ message: /answer 503/ }], 'what Weir reads it always reads')
})

t.test('values that no API server would store are read without a throw', async (t) => {
  for (const value of [true, 7, null, {}, []]) {
    const given = new Map<string, unknown>([['konghq.com/plugins', value]])
    t.match(findForeign(given, nobody), [{ mayProtect: true }])
  }
})

t.test('no option ignores what Weir reads', async (t) => {
  t.same([...readPrefixes].sort(), families.map(({ prefix }) => prefix).sort())
})

t.test('the table has each prefix once, and none that Weir reads', async (t) => {
  const prefixes = foreignFamilies.map(({ prefix }) => prefix)
  t.strictSame([...new Set(prefixes)], prefixes)
  for (const { prefix } of families) t.notOk(prefixes.includes(prefix), prefix)
  for (const [at, prefix] of prefixes.entries()) {
    const earlier = prefixes.slice(0, at).find((other) => prefix.startsWith(other))
    t.equal(earlier, undefined, `${prefix} can be reached`)
  }
})

function ingress(annotations: Record<string, string>): Ingress {
  return { metadata: { namespace: 'shop', name: 'web', annotations } }
}
