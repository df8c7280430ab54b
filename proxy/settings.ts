// From what the user gave to the proxy's settings: the table is in settings-table.ts, what cannot be meant together is here.
import { type OptionInput, type ParsedOptions, parseOptions } from '../shared/options.ts'
import { ConfigError, type OptionValues } from '../shared/options-table.ts'
import { initialKeys } from '../shared/routing/ingress/config-map/document.ts'
import { normalisePath } from '../shared/routing/path.ts'
import { proxyOptions } from './settings-table.ts'

/** Everything that can be set on the proxy, checked. */
export interface ProxySettings extends Omit<OptionValues<typeof proxyOptions>, 'workers'> {
  readonly workers: number
}

/** What parseProxySettings is given: the sources of options and facts of the machine. */
export interface ProxySettingsInput extends OptionInput {
  /** CPUs that this process may use; the default of `--workers`. */
  readonly availableCpus: number
  /** The answer to `--version`. */
  readonly version: string
}

/** Makes the proxy's settings, or the text that `--help` or `--version` asks for; throws ConfigError. */
export function parseProxySettings(input: ProxySettingsInput): ParsedOptions<ProxySettings> {
  const parsed = parseOptions(proxyOptions, input, {
    heading: 'weir-proxy: routes HTTP traffic by the Ingress rules of a Kubernetes cluster.',
    footer: `With --like ingress-nginx, Ingresses have these defaults, under the names that they have in its ConfigMap; the ConfigMap of --config-map and annotations change them: ${initialKeys()}.`,
    version: input.version,
  })
  if (parsed.kind === 'print') return parsed
  const settings = { ...parsed.settings, workers: parsed.settings.workers ?? input.availableCpus }
  refuseContradictions(settings)
  return { kind: 'run', settings }
}

/** Two settings that cannot both be meant are an error: an edge that guesses serves what nobody asked for. */
function refuseContradictions(settings: ProxySettings): void {
  for (const { isBroken, message } of contradictions) {
    if (isBroken(settings)) throw new ConfigError(message)
  }
}

interface Contradiction {
  readonly isBroken: (settings: ProxySettings) => boolean
  readonly message: string
}

const contradictions: readonly Contradiction[] = [
  {
    isBroken: ({ manifests, kubeconfig }) => manifests !== undefined && kubeconfig !== undefined,
    message: 'manifests and kubeconfig exclude each other: give one source of objects.',
  },
  {
    isBroken: ({ manifests, namespace }) => manifests !== undefined && namespace !== undefined,
    message:
      'namespace narrows the watch of a cluster and has no effect with manifests: drop one of them.',
  },
  {
    // Whoever may send a PROXY header chooses the client address that access rules and logs go by.
    isBroken: ({ proxyProtocol, proxyProtocolFrom }) =>
      proxyProtocol !== 'off' && proxyProtocolFrom.length === 0,
    message:
      'proxy-protocol needs proxy-protocol-from with the networks of the load balancer, since anybody else could forge client addresses.',
  },
  {
    isBroken: ({ proxyProtocol, proxyProtocolFrom }) =>
      proxyProtocol === 'off' && proxyProtocolFrom.length > 0,
    message:
      'proxy-protocol-from has no effect while proxy-protocol is off: set proxy-protocol to required or optional.',
  },
  {
    isBroken: ({ trustedProxies, trustedFields }) =>
      trustedProxies.length === 0 && trustedFields.some((name) => !/^(?:alb|none)$/i.test(name)),
    message:
      'trusted-fields has no effect without trusted-proxies: name the networks of the load balancer, as nobody else is believed.',
  },
  {
    isBroken: ({ valkey, valkeyPassword }) => valkey === undefined && valkeyPassword !== undefined,
    message: 'valkey-password has no effect without valkey: name the store, or drop it.',
  },
  {
    isBroken: ({ listen, admin }) =>
      listen.port !== 0 && listen.port === admin.port && mayOverlap(listen.host, admin.host),
    message: 'listen and admin name the same port: the admin port must be another one.',
  },
  {
    isBroken: ({ listenTls, listen, admin }) =>
      listenTls !== undefined &&
      listenTls.port !== 0 &&
      [listen, admin].some(
        ({ host, port }) => port === listenTls.port && mayOverlap(host, listenTls.host),
      ),
    message: 'listen-tls names the port of listen or admin: TLS needs a port of its own.',
  },
  {
    isBroken: ({ listenTls, defaultCertificate, tlsUnknownHost }) =>
      listenTls === undefined && (defaultCertificate !== undefined || tlsUnknownHost === 'reject'),
    message:
      'default-certificate and tls-unknown-host have no effect without listen-tls: name the port that speaks TLS, or drop them.',
  },
  {
    isBroken: ({ defaultCertificate, tlsUnknownHost }) =>
      defaultCertificate !== undefined && tlsUnknownHost === 'reject',
    message: 'default-certificate is never shown with tls-unknown-host reject: drop one of them.',
  },
  {
    isBroken: ({ tlsCiphers, tlsGroups }) => tlsCiphers?.length === 0 || tlsGroups.length === 0,
    message: 'tls-ciphers and tls-groups need at least one name each: nobody could connect.',
  },
  {
    isBroken: ({ tlsMinVersion, tlsCiphers }) =>
      tlsMinVersion === '1.3' && tlsCiphers?.every((name) => !/^TLS_/i.test(name)) === true,
    message:
      'tls-ciphers has no suite of TLS 1.3, and tls-min-version allows nothing older: add one that begins with TLS_.',
  },
  {
    // The health check is told apart by the path in its one spelling; another would never be met.
    isBroken: ({ healthPath }) => normalisePath(healthPath) !== healthPath,
    message:
      'health-path is not spelled as paths are when they are matched: write it without . and .. segments, with plain letters, digits, -, ., _ and ~, and with upper-case escapes for what a path cannot hold.',
  },
  {
    isBroken: ({ maxLineBytes, maxHeadBytes }) => maxLineBytes > maxHeadBytes,
    message:
      'max-line-bytes is larger than max-head-bytes: a line cannot exceed the head it is in.',
  },
  {
    isBroken: ({ ingressClass, controllerClass, watchIngressWithoutClass }) =>
      ingressClass.length + controllerClass.length === 0 && !watchIngressWithoutClass,
    message:
      'ingress-class and controller-class are both empty, so no Ingress would be served: name one, or set watch-ingress-without-class.',
  },
]

function mayOverlap(a: string, b: string): boolean {
  const isWildcard = (host: string) => host === '0.0.0.0' || host === '::'
  return a === b || isWildcard(a) || isWildcard(b)
}
