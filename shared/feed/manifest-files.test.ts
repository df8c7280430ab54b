import t from 'tap'
import {
  endpointSlices,
  ingressClasses,
  ingresses,
  type KubeResource,
  secrets,
  services,
} from '../kube/resources.ts'
import { readManifest as read } from './manifest-files.ts'
import { unreadProblem } from './unread-kinds.ts'

const resources: readonly KubeResource[] = [
  ingresses,
  ingressClasses,
  services,
  endpointSlices,
  secrets,
]
const readManifest = (path: string, text: string) => read(path, text, resources)

const ingress = 'apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n'
const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n'

const group = (name: string) =>
  `apiVersion: zalando.org/v1\nkind: RouteGroup\nmetadata: {name: ${name}, namespace: shop}\n`

const cases: {
  readonly why: string
  readonly text: string
  readonly path?: string
  /** `Kind namespace/name` of each object. */
  readonly objects: readonly string[]
  /** `reason field` of each finding. */
  readonly findings?: readonly string[]
  /** `Kind version count` of what is passed over. */
  readonly unread?: readonly string[]
}[] = [
  { why: 'a namespace is default', text: ingress, objects: ['Ingress default/web'] },
  {
    why: 'several documents',
    text: `${ingress}---\n---\n${service}`,
    objects: ['Ingress default/web', 'Service shop/web'],
  },
  {
    why: 'a List of kubectl',
    text: JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } }],
    }),
    path: 'x.json',
    objects: ['Service default/a'],
  },
  {
    why: 'a typed list, whose items do not say their kind',
    text: JSON.stringify({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressList',
      items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
    }),
    path: 'x.json',
    objects: ['Ingress default/a', 'Ingress default/b'],
  },
  {
    why: 'a class has no namespace, even if one is written',
    text: 'apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: weir, namespace: x}\n',
    objects: ['IngressClass undefined/weir'],
  },
  {
    why: 'other kinds are none of ours',
    text: 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: x}\n',
    objects: [],
    unread: ['Service serving.knative.dev/v1 1'],
  },
  {
    why: 'kinds that may ask for routes are counted, in lists too',
    text: `${group('a')}---\n${JSON.stringify({ kind: 'RouteGroupList', apiVersion: 'zalando.org/v1', items: [{ metadata: { name: 'b' } }] })}\n---\n${service}---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: x}\n`,
    objects: ['Service shop/web'],
    unread: ['RouteGroup zalando.org/v1 2', 'HTTPRoute gateway.networking.k8s.io/v1 1'],
  },
  {
    why: 'what Kubernetes itself is for is no news',
    text: [
      'v1 ConfigMap',
      'batch/v1 CronJob',
      'networking.k8s.io/v1 NetworkPolicy',
      'apiextensions.k8s.io/v1 CustomResourceDefinition',
      'kustomize.config.k8s.io/v1beta1 Kustomization',
    ]
      .map((words) => words.split(' '))
      .map(([version, kind]) => `apiVersion: ${version}\nkind: ${kind}\nmetadata: {name: x}\n`)
      .join('---\n'),
    objects: [],
  },
  { why: 'what has no kind or no version is nobody', text: 'image: {tag: 1}\n', objects: [] },
  {
    why: 'a retired version is told, not guessed',
    text: 'apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: old}\n',
    objects: [],
    findings: ['invalid-object apiVersion'],
  },
  {
    why: 'no name',
    text: `apiVersion: v1\nkind: Service\nmetadata: {}\n---\n${ingress}`,
    objects: ['Ingress default/web'],
    findings: ['invalid-object metadata.name'],
  },
  {
    why: 'an annotation that is no string is refused as the API server does, not ignored',
    text: 'apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, annotations: {a: true}}\n',
    objects: [],
    findings: ['invalid-object metadata.annotations["a"]'],
  },
  { why: 'no object at all', text: 'hello', objects: [], findings: ['unreadable-file '] },
  { why: 'nothing', text: '', objects: [] },
  {
    why: 'a broken text names its line; the rest is read',
    text: `${ingress}---\na: [1\n---\n${service}`,
    objects: ['Ingress default/web', 'Service shop/web'],
    findings: ['unreadable-file x.yaml:6'],
  },
  {
    why: 'broken JSON names its line',
    text: '{\n"a": 1,\n"b": }\n}',
    path: 'x.json',
    objects: [],
    findings: ['unreadable-file x.json:4'],
  },
]

for (const { why, text, path = 'x.yaml', objects, findings = [], unread = [] } of cases) {
  t.test(`reads a manifest: ${why}`, async (t) => {
    const manifest = readManifest(path, text)
    t.strictSame(
      manifest.objects.map((o) => `${o.kind} ${o.metadata?.namespace}/${o.metadata?.name}`),
      objects,
    )
    t.strictSame(
      [...manifest.problems, ...manifest.errors].map(({ reason, field }) => `${reason} ${field}`),
      findings,
    )
    t.strictSame(
      manifest.unread.map(({ kind, apiVersion, count }) => `${kind} ${apiVersion} ${count}`),
      unread,
    )
  })
}

t.test('Endpoints become slices, one per subset and address family', async (t) => {
  const { objects } = readManifest(
    'x.yaml',
    `apiVersion: v1
kind: Endpoints
metadata: {name: web, namespace: shop}
subsets:
- addresses: [{ip: 10.0.0.1, nodeName: n1}, {ip: 'fd00::1'}, {ip: nonsense}, {hostname: x}]
  notReadyAddresses: [{ip: 10.0.0.2}]
  ports: [{name: http, port: 8080, protocol: TCP}, {name: bad}]
- addresses: [{ip: 10.0.0.3}]
`,
  )
  const labels = { 'kubernetes.io/service-name': 'web' }
  const ports = [{ name: 'http', port: 8080, protocol: 'TCP' }]
  t.match(objects, [
    {
      kind: 'EndpointSlice',
      metadata: { namespace: 'shop', labels },
      addressType: 'IPv4',
      endpoints: [
        { addresses: ['10.0.0.1'], conditions: { ready: true }, nodeName: 'n1' },
        { addresses: ['10.0.0.2'], conditions: { ready: false } },
      ],
      ports,
    },
    { addressType: 'IPv6', endpoints: [{ addresses: ['fd00::1'] }], ports },
    { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.3'] }], ports: [] },
  ])
  t.equal(objects.length, 3)
  t.equal(new Set(objects.map((o) => o.metadata?.name)).size, 3, 'each has its own name')
})

t.test('stringData of a Secret is written over its data', async (t) => {
  const { objects } = readManifest(
    'x.yaml',
    'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: YQ==, b: eA==}\nstringData: {b: b}\n',
  )
  t.match(objects, [{ data: { a: 'YQ==', b: 'Yg==' } }])
})

t.test('the problem of a kind that nobody reads names an example and what to do', async (t) => {
  const [unread] = readManifest('routes/shop.yaml', `${group('a')}---\n${group('b')}`).unread
  t.match(unread && unreadProblem(unread), {
    reason: 'unread-kind',
    kind: 'RouteGroup',
    namespace: 'shop',
    name: 'a',
    message: /RouteGroup \(zalando\.org\/v1\) .* 2 of them, .* a in routes\/shop\.yaml/,
    remedy: /Ingress/,
  })
})
