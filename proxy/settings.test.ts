import t from 'tap'
import { ConfigError } from '../shared/options-table.ts'
import { parseProxySettings } from './settings.ts'

function parse(argv: readonly string[]) {
  const readFile = () => ''
  const parsed = parseProxySettings({ argv, env: {}, readFile, availableCpus: 3, version: '1' })
  return parsed.kind === 'run' ? parsed.settings : undefined
}

t.test('the defaults are those that users rely on', async (t) => {
  t.match(parse([]), {
    manifests: undefined,
    listen: { host: '0.0.0.0', port: 9999 },
    admin: { host: '0.0.0.0', port: 9911 },
    workers: 3,
    ingressClass: ['weir'],
    controllerClass: ['weir.dev/ingress'],
    watchIngressWithoutClass: false,
    trustedProxies: [],
    proxyProtocol: 'off',
    healthPath: '/kube-system/healthz',
    drainSeconds: 45,
    accessLog: 'json',
  })
})

t.test('--like ingress-nginx sets the defaults of options, and each can be set', async (t) => {
  const like = ['--like', 'ingress-nginx']
  const nginx = {
    ingressClass: ['nginx'],
    controllerClass: ['k8s.io/ingress-nginx'],
    connectTimeoutMs: 5000,
  }
  t.match(parse(like), { like: 'ingress-nginx', ...nginx })
  const own = [
    '--ingress-class',
    'edge',
    '--controller-class',
    'a/b',
    '--connect-timeout-ms',
    '100',
  ]
  t.match(parse([...like, ...own]), {
    ingressClass: ['edge'],
    controllerClass: ['a/b'],
    connectTimeoutMs: 100,
  })
})

t.test('the help says what --like sets, of options and of Ingresses', async (t) => {
  const help = parseProxySettings({
    argv: ['--help'],
    env: {},
    readFile: () => '',
    availableCpus: 1,
    version: '1',
  })
  t.match(help, { kind: 'print', text: /default: weir\] \[with --like ingress-nginx: nginx\]/ })
  t.match(help, { text: /ssl-redirect\s+true,[\s\S]*proxy-body-size\s+1m/ })
})

t.test('workers are as many as asked for', async (t) => {
  t.equal(parse(['--workers', '1'])?.workers, 1)
})

const contradictions = [
  { argv: ['--manifests', 'a', '--kubeconfig', 'b'], names: /manifests and kubeconfig/ },
  { argv: ['--manifests', 'a', '--namespace', 'b'], names: /namespace .* manifests/ },
  { argv: ['--proxy-protocol', 'required'], names: /proxy-protocol needs proxy-protocol-from/ },
  { argv: ['--proxy-protocol', 'optional'], names: /proxy-protocol needs proxy-protocol-from/ },
  { argv: ['--proxy-protocol-from', '10.0.0.0/8'], names: /proxy-protocol-from has no effect/ },
  { argv: ['--trusted-fields', 'all'], names: /trusted-fields has no effect/ },
  {
    argv: ['--trusted-proxies', '10.0.0.0/8', '--trusted-fields', 'alb,X-Tenant'],
    names: /--trusted-fields must be a list of alb, .* but it is "alb,X-Tenant"/,
  },
  { argv: ['--listen', ':9911'], names: /listen and admin/ },
  { argv: ['--listen', '127.0.0.1:9911'], names: /listen and admin/ },
  { argv: ['--max-head-bytes', '1024'], names: /max-line-bytes is larger than max-head-bytes/ },
  { argv: ['--health-path', '/%68ealthz'], names: /health-path is not spelled/ },
  { argv: ['--health-path', '/a/../healthz'], names: /health-path is not spelled/ },
  { argv: ['--ingress-class=', '--controller-class='], names: /no Ingress would be served/ },
]

for (const { argv, names } of contradictions) {
  t.test(`${argv.join(' ')} is refused`, async (t) => {
    t.throws(() => parse(argv), { name: 'ConfigError', message: names })
    t.throws(() => parse(argv), ConfigError)
  })
}

const compatible = [
  { argv: ['--listen', ':0', '--admin', ':0'], why: 'the system chooses two different ports' },
  {
    argv: ['--listen', '127.0.0.1:80', '--admin', '127.0.0.2:80'],
    why: 'the addresses differ',
  },
  {
    argv: ['--ingress-class=', '--controller-class=', '--watch-ingress-without-class'],
    why: 'Ingresses without a class are left',
  },
  { argv: ['--trusted-fields', 'none'], why: 'nobody is believed either way' },
  {
    argv: ['--trusted-proxies', '10.0.0.0/8', '--trusted-fields', 'ALB,X-Request-ID,x-original-*'],
    why: 'presets, names and families',
  },
  {
    argv: ['--proxy-protocol', 'required', '--proxy-protocol-from', '10.0.0.0/8'],
    why: 'the load balancer is named',
  },
]

for (const { argv, why } of compatible) {
  t.test(`${argv.join(' ')} is accepted: ${why}`, async (t) => {
    t.ok(parse(argv))
  })
}
