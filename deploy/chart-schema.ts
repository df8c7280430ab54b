// What may a value of the chart be? Every value once, as JSON Schema; the options of both programs follow their tables.
// Invariant: nothing is allowed that is not named here, but the contents of Kubernetes objects that the API server checks.
import { controllerOptions } from '../controller/settings-table.ts'
import { proxyOptions } from '../proxy/settings-table.ts'
import { likeNames } from '../shared/like.ts'
import { type Option, type OptionTable, optionKey } from '../shared/options-table.ts'

type Schema = Readonly<Record<string, unknown>>

const text: Schema = { type: 'string' }
const flag: Schema = { type: 'boolean' }
const name: Schema = { type: 'string', pattern: '^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$' }
/** A DNS label (RFC 1123), as names of namespaces are. */
const namespaceName: Schema = { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' }
const optionalName: Schema = {
  type: 'string',
  pattern: '^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$',
}
const port: Schema = { type: 'integer', minimum: 1025, maximum: 65_535 }
const duration: Schema = { type: 'string', pattern: '^[0-9]+(ms|s|m|h)$' }
const strings: Schema = { type: 'object', additionalProperties: { type: 'string' } }
const quantity: Schema = {
  type: ['string', 'number'],
  pattern: '^[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$',
}
const countOrPercent: Schema = {
  anyOf: [
    { type: 'integer', minimum: 0 },
    { type: 'string', pattern: '^(100|[0-9]{1,2})%$' },
  ],
}
/** Parts of Kubernetes objects, which the API server knows best. */
const kubeObject: Schema = { type: 'object' }
const kubeObjects = list(kubeObject)

function list(items: Schema): Schema {
  return { type: 'array', items }
}

function oneOf(...words: readonly string[]): Schema {
  return { type: 'string', enum: words }
}

function integer(minimum: number, maximum: number): Schema {
  return { type: 'integer', minimum, maximum }
}

function orNull(schema: Schema): Schema {
  return { ...schema, type: [schema.type, 'null'] }
}

function group(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: 'object', additionalProperties: false, properties }
}

function described(schema: Schema, description: string): Schema {
  return { description, ...schema }
}

/** Set by the chart from values of their own, or without a meaning in a pod. */
const managed = {
  proxy: [
    ...[
      'listen',
      'listenTls',
      'admin',
      'controlSocket',
      'drainSeconds',
      'finishSeconds',
      'namespace',
    ],
    ...['podName', 'podNamespace'],
    ...['ingressClass', 'controllerClass', 'watchIngressWithoutClass', 'manifests', 'kubeconfig'],
    ...['like', 'configMap'],
  ],
  controller: [
    ...[
      'targetGroup',
      'targetPort',
      'proxySelector',
      'proxyNamespace',
      'proxyService',
      'proxyAdminPort',
    ],
    ...['admin', 'controlSocket', 'drainSeconds', 'podName', 'podNamespace', 'proxyProtocol'],
    ...['like', 'ingressStatus', 'ingressClass', 'controllerClass', 'watchIngressWithoutClass'],
    ...['publishService', 'publishStatusAddress'],
    ...['leaseName', 'leaseNamespace', 'identity', 'once', 'output', 'kubeconfig'],
  ],
}

function optionSchema({
  allowed,
  placeholder,
  isList,
  help,
  shownDefault,
}: Option<unknown>): Schema {
  const description = `${help} Default: ${shownDefault}.`
  if (placeholder === '') return { description, ...flag }
  if (isList) return { description, ...list(text) }
  const bounds = /^a whole number from (-?\d+) to (\d+)/.exec(allowed)
  if (bounds !== null) return { description, ...integer(Number(bounds[1]), Number(bounds[2])) }
  const words = /^one of (.+)$/.exec(allowed)?.[1]
  if (words !== undefined) return { description, ...oneOf(...words.split(', ')) }
  return { description, type: 'string', minLength: 1 }
}

function optionsSchema(table: OptionTable, without: readonly string[]): Schema {
  const entries = Object.entries(table).filter(([option]) => !without.includes(option))
  return group(
    Object.fromEntries(entries.map(([option, row]) => [optionKey(option), optionSchema(row)])),
  )
}

const probe = group({
  initialDelaySeconds: integer(0, 3600),
  periodSeconds: integer(1, 3600),
  timeoutSeconds: integer(1, 3600),
  failureThreshold: integer(1, 1000),
  successThreshold: integer(1, 1000),
})
const amounts = group({ cpu: quantity, memory: quantity, 'ephemeral-storage': quantity })
const container = {
  extraArgs: list(text),
  extraEnv: list({ ...kubeObject, required: ['name'] }),
  extraEnvFrom: kubeObjects,
  extraVolumeMounts: kubeObjects,
  resources: group({ requests: amounts, limits: amounts, claims: kubeObjects }),
  livenessProbe: probe,
}
const monitor = group({
  enabled: flag,
  labels: strings,
  interval: duration,
  scrapeTimeout: duration,
  metricRelabelings: kubeObjects,
})

/** The content of values.schema.json. */
export function chartSchema(): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Values of the Weir chart',
    ...group({
      nameOverride: optionalName,
      fullnameOverride: optionalName,
      commonLabels: strings,
      commonAnnotations: strings,
      image: group({
        repository: { type: 'string', minLength: 1 },
        tag: { type: 'string', pattern: '^[\\w.-]{0,128}$' },
        digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
        pullPolicy: oneOf('Always', 'IfNotPresent', 'Never'),
      }),
      imagePullSecrets: list(group({ name })),
      loadBalancer: group({
        type: oneOf('alb', 'nlb'),
        targetType: oneOf('', 'instance', 'ip'),
        tls: oneOf('balancer', 'proxy'),
      }),
      network: group({
        mode: oneOf('hostPort', 'hostNetwork', 'podIP'),
        port: described(port, 'Above 1024: the containers have no capability to open lower ports.'),
        tlsPort: orNull(port),
        adminPort: port,
        controllerAdminPort: port,
        listenHost: { type: 'string', pattern: '^(\\[[0-9a-fA-F:.]+\\]|[0-9.]+)$' },
      }),
      drain: group({ seconds: orNull(integer(0, 86_400)), finishSeconds: integer(0, 86_400) }),
      terminationGracePeriodSeconds: orNull(integer(0, 172_800)),
      ingressClass: group({
        create: flag,
        name,
        controllerValue: { type: 'string', pattern: '^[a-z0-9.-]+/[A-Za-z0-9/._~-]+$' },
        default: flag,
        annotations: strings,
        additionalNames: list(name),
        additionalControllerValues: list(text),
        watchWithoutClass: flag,
      }),
      like: oneOf('', ...likeNames),
      configMap: {
        type: 'string',
        pattern: '^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$',
      },
      watchNamespace: optionalName,
      configAs: oneOf('flags', 'file'),
      proxy: group({
        options: optionsSchema(proxyOptions, managed.proxy),
        secrets: group({
          access: oneOf('none', 'namespaces', 'cluster'),
          namespaces: { ...list(namespaceName), uniqueItems: true },
          names: { ...list(name), uniqueItems: true },
        }),
        ...container,
        readinessProbe: probe,
        startupProbe: probe,
      }),
      controller: group({
        targetGroups: list({
          type: 'string',
          pattern:
            '^(arn:aws[a-z-]*:elasticloadbalancing:[^:]+:[^:]+:targetgroup/.+|[A-Za-z0-9-]{1,32})$',
        }),
        nativeSidecar: flag,
        readinessGate: flag,
        ingressStatus: {
          description: 'A host name, auto or off.',
          type: 'string',
          pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$',
        },
        publishService: {
          description: 'NAMESPACE/NAME, or empty.',
          type: 'string',
          pattern: '^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$',
        },
        publishStatusAddress: {
          ...list({ type: 'string', pattern: '^[0-9a-z]([0-9a-z.:-]*[0-9a-z])?$|^::[0-9a-f:.]*$' }),
          uniqueItems: true,
        },
        options: optionsSchema(controllerOptions, managed.controller),
        ...container,
      }),
      serviceAccount: group({
        create: flag,
        name: optionalName,
        roleArn: { type: 'string', pattern: '^(arn:aws[a-z-]*:iam::[0-9]{12}:role/.+)?$' },
        annotations: strings,
      }),
      rbac: group({ create: flag }),
      podAnnotations: strings,
      podLabels: strings,
      podSecurityContext: kubeObject,
      containerSecurityContext: kubeObject,
      priorityClassName: optionalName,
      nodeSelector: strings,
      tolerations: list(
        group({
          key: text,
          operator: oneOf('Exists', 'Equal'),
          value: text,
          effect: oneOf('NoSchedule', 'PreferNoSchedule', 'NoExecute'),
          tolerationSeconds: { type: 'integer' },
        }),
      ),
      affinity: group({
        nodeAffinity: kubeObject,
        podAffinity: kubeObject,
        podAntiAffinity: kubeObject,
      }),
      updateStrategy: group({
        type: oneOf('RollingUpdate', 'OnDelete'),
        maxUnavailable: countOrPercent,
        maxSurge: countOrPercent,
      }),
      minReadySeconds: integer(0, 3600),
      revisionHistoryLimit: integer(0, 100),
      extraVolumes: kubeObjects,
      extraContainers: kubeObjects,
      extraInitContainers: kubeObjects,
      extraObjects: kubeObjects,
      service: group({ annotations: strings }),
      podDisruptionBudget: group({ enabled: flag, minAvailable: integer(0, 10_000) }),
      networkPolicy: group({
        enabled: flag,
        dataFrom: kubeObjects,
        adminFrom: kubeObjects,
        egress: orNull(kubeObjects),
      }),
      podMonitor: monitor,
      serviceMonitor: monitor,
      prometheusRule: group({ enabled: flag, labels: strings }),
      grafanaDashboard: group({ enabled: flag, labels: strings, annotations: strings }),
      test: group({ podLabels: strings }),
      global: { type: 'object' },
    }),
  }
}
