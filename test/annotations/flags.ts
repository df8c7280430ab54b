// With which flags is the proxy started for a case, and what does a case need that Weir does not have?
import { type AnnotationCase, type CaseOptions, configMapName } from './case.ts'

type Flags<K extends keyof CaseOptions> = (value: NonNullable<CaseOptions[K]>) => readonly string[]

// An option without a flag here is one that Weir does not have.
const flags: { readonly [K in keyof CaseOptions]: Flags<K> } = {
  trustedProxies: (networks) =>
    networks.length === 0 ? [] : ['--trusted-proxies', networks.join(), '--trusted-fields', 'all'],
  proxyProtocol: (mode) => ['--proxy-protocol', mode],
  proxyProtocolFrom: (networks) => listed('--proxy-protocol-from', networks),
  ingressClass: (name) => ['--ingress-class', name],
  controllerClass: (value) => ['--controller-class', value],
  watchIngressWithoutClass: (on) => (on ? ['--watch-ingress-without-class'] : []),
  ingressClassByName: (on) => (on ? ['--ingress-class-by-name'] : []),
  disableCatchAll: (on) => (on ? ['--disable-catch-all'] : []),
  noIngressClasses: () => [],
  defaultBackend: (service) => ['--default-backend', service],
  externalNames: (hosts) => listed('--external-names', hosts),
  drainSeconds: (seconds) => ['--drain-seconds', `${seconds}`],
  defaultCertificate: (secret) => ['--default-certificate', secret],
  // Weir asks no option for it.
  sslPassthrough: () => [],
}

const configMap = `${configMapName.namespace}/${configMapName.name}`

const defaults: CaseOptions = {
  trustedProxies: ['127.0.0.0/8'],
  // ingress-nginx leaves at once unless it is told to wait for a load balancer.
  drainSeconds: 1,
}

/** The flags for cases that are played together. */
export function flagsOf(cases: readonly AnnotationCase[]): readonly string[] {
  const options: CaseOptions = { ...defaults, ...cases[0]?.options }
  const given = Object.keys(options).filter(isKnown)
  const origins = [...new Set(cases.flatMap(originsOf))]
  return [
    ...['--like', 'ingress-nginx', '--config-map', configMap, '--listen-tls', '127.0.0.1:0'],
    ...(cases.some(isOfHttp2) ? ['--h2c'] : []),
    ...given.flatMap((name) => flagOf(name, options)),
    ...listed('--auth-urls', origins),
  ]
}

/** nginx takes HTTP/2 by prior knowledge on its plain port, too. */
function isOfHttp2({ steps }: AnnotationCase): boolean {
  return steps.some(({ request }) => request?.http2 === true)
}

/** What Weir lacks for a case, in a sentence; undefined when it can be played. */
export function lackOf({ options = {}, backends = {} }: AnnotationCase): string | undefined {
  const protocols = Object.values(backends).map(({ protocol }) => protocol)
  if (protocols.includes('fcgi')) return 'Weir does not speak FastCGI to endpoints.'
  const unknown = Object.keys(options).find((name) => !isKnown(name))
  return unknown === undefined ? undefined : `Weir has no option for ${unknown}.`
}

function flagOf<K extends keyof CaseOptions>(name: K, options: CaseOptions): readonly string[] {
  const value = options[name]
  const flag = flags[name]
  return value === undefined || value === null || flag === undefined ? [] : flag(value)
}

function isKnown(name: string): name is keyof CaseOptions {
  return Object.hasOwn(flags, name)
}

function listed(flag: string, values: readonly string[]): readonly string[] {
  return values.length === 0 ? [] : [flag, values.join()]
}

/** Where URLs of a case lead to: ingress-nginx asks any server, Weir those that its operator allows. */
function originsOf({ objects, config = {} }: AnnotationCase): readonly string[] {
  const own = objects.flatMap(({ metadata: { annotations = {} } = {} }) =>
    urlKeys.map((key) => annotations[`nginx.ingress.kubernetes.io/${key}`] ?? ''),
  )
  return [...own, config['global-auth-url'] ?? ''].flatMap(
    (url) => /^https?:\/\/[\d.]+(:\d+)?(?=[/$])/.exec(url)?.[0] ?? [],
  )
}

const urlKeys = ['auth-url', 'mirror-target']
