// What users get wrong, and what the chart must say about it. Values on top of those of a working installation.

/** One wrong set of values. */
export interface Refusal {
  readonly why: string
  readonly sets: readonly string[]
  /** Must all be in helm's message: the key, and what would be right. */
  readonly says: readonly string[]
}

/** Set in each case, so that each has one fault only. */
export const working = ['controller.targetGroups={edge}']

export const refusals: readonly Refusal[] = [
  {
    why: 'a misspelt key at the top',
    sets: ['imge.tag=1'],
    says: ["additional properties 'imge' not allowed"],
  },
  {
    why: 'a misspelt key below',
    sets: ['network.modus=podIP'],
    says: ['/network', "'modus'"],
  },
  {
    why: 'an option that the proxy does not have',
    sets: ['proxy.options.header-timeout=5'],
    says: ['/proxy/options', "'header-timeout'"],
  },
  {
    why: 'an option that the controller does not have',
    sets: ['controller.options.min-target=5'],
    says: ['/controller/options', "'min-target'"],
  },
  {
    why: 'an option that the chart sets itself',
    sets: ['proxy.options.drain-seconds=5'],
    says: ['/proxy/options', "'drain-seconds'"],
  },
  {
    why: 'two sources of what Ingress status shows',
    sets: ['controller.publishService=a/b', 'controller.publishStatusAddress={192.0.2.1}'],
    says: ['controller.publishService', 'exclude each other'],
  },
  {
    why: 'TLS at the proxy without a port for it',
    sets: ['loadBalancer.type=nlb', 'loadBalancer.tls=proxy'],
    says: ['loadBalancer.tls proxy needs network.tlsPort'],
  },
  {
    why: 'TLS at the proxy behind an ALB',
    sets: ['network.tlsPort=9443', 'loadBalancer.tls=proxy'],
    says: ['loadBalancer.tls proxy needs loadBalancer.type nlb'],
  },
  {
    why: 'a default certificate that nobody would see',
    sets: ['proxy.options.default-certificate=edge/wildcard'],
    says: ['default-certificate has no effect without network.tlsPort'],
  },
  {
    why: 'a port for TLS that is taken',
    sets: ['network.tlsPort=9999'],
    says: ['must be different ports'],
  },
  {
    why: 'a Service without its namespace',
    sets: ['controller.publishService=nginx'],
    says: ['/controller/publishService', 'pattern'],
  },
  {
    why: 'a name of its own and a Service',
    sets: ['controller.ingressStatus=a.test', 'controller.publishService=a/b'],
    says: ['controller.ingressStatus', 'auto'],
  },
  {
    why: 'an option out of its bounds',
    sets: ['proxy.options.retries=11'],
    says: ['/proxy/options/retries', 'maximum'],
  },
  {
    why: 'an option that is none of its words',
    sets: ['proxy.options.access-log=apache'],
    says: ['/proxy/options/access-log', 'json', 'combined'],
  },
  {
    why: 'the boolean that YAML makes of an unquoted off',
    sets: ['proxy.options.access-log=false'],
    says: ['/proxy/options/access-log', 'got boolean, want string'],
  },
  {
    why: 'text where a number belongs',
    sets: ['drain.seconds=soon'],
    says: ['/drain/seconds', 'integer'],
  },
  {
    why: 'a port below 1025, which the containers may not open',
    sets: ['network.port=80'],
    says: ['/network/port', '1,025'],
  },
  {
    why: 'something that is no target group',
    sets: ['controller.targetGroups={arn:aws:s3:::bucket}'],
    says: ['/controller/targetGroups/0'],
  },
  {
    why: 'a percentage for the disruption budget of a DaemonSet',
    sets: ['podDisruptionBudget.minAvailable=50%'],
    says: ['/podDisruptionBudget/minAvailable', 'integer'],
  },
  {
    why: 'a grace period shorter than the drain of an ALB',
    sets: ['terminationGracePeriodSeconds=60'],
    says: ['terminationGracePeriodSeconds is 60', '45', '30', '10 to end = 85', 'Raise it to 85'],
  },
  {
    why: 'a grace period that is one second short',
    sets: ['drain.seconds=100', 'drain.finishSeconds=0', 'terminationGracePeriodSeconds=109'],
    says: ['drain.seconds 100 + drain.finishSeconds 0 + 10 to end = 110'],
  },
  {
    why: 'a grace period that is right for an ALB, on an NLB',
    sets: ['loadBalancer.type=nlb', 'terminationGracePeriodSeconds=85'],
    says: ['165', '= 205'],
  },
  {
    why: 'a drain shorter than an ALB needs to let go',
    sets: ['drain.seconds=20'],
    says: ['drain.seconds is 20', '30 s', 'Raise it to 30'],
  },
  {
    why: 'a drain shorter than an NLB needs to let go',
    sets: ['loadBalancer.type=nlb', 'drain.seconds=45'],
    says: ['drain.seconds is 45', 'nlb', '150 s'],
  },
  {
    why: 'a drain shorter than a bound that the user gave',
    sets: ['controller.options.let-go-most-ms=60500'],
    says: ['drain.seconds is 45', '61 s'],
  },
  {
    why: 'instance targets that no node port leads to',
    sets: ['loadBalancer.targetType=instance', 'network.mode=podIP'],
    says: ['loadBalancer.targetType instance', 'network.mode'],
  },
  {
    why: 'two proxies on one node port',
    sets: ['updateStrategy.maxSurge=1', 'updateStrategy.maxUnavailable=0'],
    says: ['updateStrategy.maxSurge', 'podIP'],
  },
  {
    why: 'a roll-out that cannot begin',
    sets: ['updateStrategy.maxUnavailable=0'],
    says: ['updateStrategy.maxUnavailable 0', 'maxSurge'],
  },
  {
    why: 'both ways to roll out, which the API refuses',
    sets: ['network.mode=podIP', 'updateStrategy.maxSurge=1'],
    says: ['exclude each other'],
  },
  {
    why: 'a network policy for pods that it cannot reach',
    sets: ['network.mode=hostNetwork', 'networkPolicy.enabled=true'],
    says: ['networkPolicy.enabled', 'hostNetwork'],
  },
  {
    why: 'status of Ingresses that are not read',
    sets: ['watchNamespace=shop'],
    says: ['watchNamespace', 'controller.ingressStatus off'],
  },
  {
    why: 'an access to Secrets that is none of its words',
    sets: ['proxy.secrets.access=all'],
    says: ['/proxy/secrets/access', 'none', 'namespaces', 'cluster'],
  },
  {
    why: 'a namespace of Secrets that cannot be one',
    sets: ['proxy.secrets.access=namespaces', 'proxy.secrets.namespaces={shop/users}'],
    says: ['/proxy/secrets/namespaces/0'],
  },
  {
    why: 'Secrets by namespace without a namespace',
    sets: ['proxy.secrets.access=namespaces'],
    says: ['proxy.secrets.access namespaces', 'proxy.secrets.namespaces'],
  },
  {
    why: 'namespaces of Secrets that nothing is allowed in',
    sets: ['proxy.secrets.namespaces={shop}'],
    says: ['proxy.secrets.namespaces', 'proxy.secrets.access none'],
  },
  {
    why: 'namespaces of Secrets that do not narrow the whole cluster',
    sets: ['proxy.secrets.namespaces={shop}', 'proxy.secrets.access=cluster'],
    says: ['proxy.secrets.namespaces', 'proxy.secrets.access cluster'],
  },
  {
    why: 'names of Secrets that nothing is allowed for',
    sets: ['proxy.secrets.names={users}'],
    says: ['proxy.secrets.names', 'proxy.secrets.access none'],
  },
  {
    why: 'Secrets of the whole cluster for an edge of one namespace',
    sets: ['watchNamespace=shop', 'controller.ingressStatus=off', 'proxy.secrets.access=cluster'],
    says: ['proxy.secrets.access', 'shop in proxy.secrets.namespaces'],
  },
  {
    why: 'a gate that nobody opens',
    sets: ['controller.options.dry-run=true'],
    says: ['dry-run', 'controller.readinessGate'],
  },
  {
    why: 'one port twice',
    sets: ['network.adminPort=9999'],
    says: ['must be different ports'],
  },
  {
    why: 'ports that only the pod itself reaches',
    sets: ['network.listenHost=127.0.0.1'],
    says: ['network.listenHost', 'loopback'],
  },
  {
    why: 'PROXY headers from anybody',
    sets: ['proxy.options.proxy-protocol=required'],
    says: ['proxy-protocol-from'],
  },
]
