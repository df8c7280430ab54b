// What Ingress status shows when another load balancer than that of a target group is in front: --publish-service and
// --publish-status-address, with and without target groups.
import t, { type Test } from 'tap'
import type { Ingress, RouteGroup, Service } from '../../shared/kube/objects.ts'
import { events, ingresses, routeGroups, services } from '../../shared/kube/resources.ts'
import { Bench } from './bench.ts'

const ofNginx = ['--ingress-class', 'nginx']
const service = ['--publish-service', 'ingress-nginx/controller', ...ofNginx]

type Entries = readonly { readonly hostname?: string; readonly ip?: string }[]

function balancer(ingress: Entries): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'ingress-nginx', name: 'controller' },
    spec: { type: 'LoadBalancer', clusterIP: '10.1.0.1' },
    status: { loadBalancer: { ingress } },
  }
}

function ingress(name: string, shown: Entries = []): Ingress {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      namespace: 'shop',
      name,
      annotations: { 'kubernetes.io/ingress.class': 'nginx' },
    },
    status: { loadBalancer: { ingress: shown } },
  }
}

async function setStage(t: Test) {
  const bench = await Bench.start(t)
  const shown = (name: string): Entries =>
    bench.api.get(ingresses, 'shop', name)?.status?.loadBalancer?.ingress ?? []
  return { bench, shown }
}

t.test(
  'alone, it shows what the Service shows and follows it, without a call to AWS',
  async (t) => {
    const { bench, shown } = await setStage(t)
    bench.api.put(balancer([{ hostname: 'old.elb.example.org' }]))
    bench.api.put(ingress('front'))
    bench.api.put(ingress('same', [{ hostname: 'old.elb.example.org' }]))
    const before = bench.api.get(ingresses, 'shop', 'same')?.metadata?.resourceVersion
    await bench.replica('c-1', service, true)
    await bench.until(() => shown('front').length > 0)
    t.strictSame(shown('front'), [{ hostname: 'old.elb.example.org' }])
    t.equal(
      bench.api.get(ingresses, 'shop', 'same')?.metadata?.resourceVersion,
      before,
      'what is shown already is not written again: external-dns sees no change',
    )

    bench.api.put(balancer([{ ip: '192.0.2.7' }, { hostname: 'new.elb.example.org' }]))
    await bench.until(() => shown('front').length > 1)
    t.strictSame(shown('front'), [{ ip: '192.0.2.7' }, { hostname: 'new.elb.example.org' }])
    t.equal(bench.model.countCalls(), 0)
  },
)

const missing: readonly { readonly why: string; readonly change: (bench: Bench) => void }[] = [
  { why: 'goes', change: (bench) => bench.api.remove(services, 'ingress-nginx', 'controller') },
  { why: 'loses its load balancer', change: (bench) => bench.api.put(balancer([])) },
]
for (const { why, change } of missing) {
  t.test(`when the Service ${why}, what is shown stays, and it is said once`, async (t) => {
    const { bench, shown } = await setStage(t)
    bench.api.put(balancer([{ ip: '192.0.2.7' }]))
    bench.api.put(ingress('front'))
    const replica = await bench.replica('c-1', service, true)
    await bench.until(() => shown('front').length > 0)
    change(bench)
    const isSaid = () => replica.lines.filter(({ message }) => message.includes('has no address'))
    await bench.until(() => isSaid().length > 0)
    await bench.pass(120_000)
    t.equal(isSaid().length, 1)
    t.match(isSaid()[0]?.message, /ingress-nginx\/controller/)
    t.strictSame(shown('front'), [{ ip: '192.0.2.7' }])
    t.ok(bench.api.list(events).some(({ reason }) => reason === 'StatusAddressMissing'))

    bench.api.put(balancer([{ ip: '192.0.2.8' }]))
    await bench.until(() => shown('front')[0]?.ip === '192.0.2.8')
    t.ok(replica.lines.some(({ message }) => message === 'Ingress status can be written again'))
  })
}

t.test('addresses of the option replace those that another controller showed', async (t) => {
  const { bench, shown } = await setStage(t)
  bench.api.put(ingress('front', [{ ip: '192.0.2.9' }]))
  const options = ['--publish-status-address', '2001:db8::1, 192.0.2.1,lb.example.org', ...ofNginx]
  await bench.replica('c-1', options, true)
  await bench.until(() => shown('front').length > 1)
  t.strictSame(shown('front'), [
    { ip: '192.0.2.1' },
    { ip: '2001:db8::1' },
    { hostname: 'lb.example.org' },
  ])
})

t.test('RouteGroups show it, too, in the list that Skipper has for it', async (t) => {
  const { bench } = await setStage(t)
  const group = (name: string, annotations = {}): RouteGroup => ({
    apiVersion: 'zalando.org/v1',
    kind: 'RouteGroup',
    metadata: { namespace: 'shop', name, annotations },
    spec: { backends: [] },
  })
  bench.api.put(group('front'))
  bench.api.put(group('named', { 'zalando.org/routegroup.class': 'nginx' }))
  bench.api.put(group('other', { 'zalando.org/routegroup.class': 'other' }))
  await bench.replica('c-1', ['--publish-status-address', '192.0.2.1', ...ofNginx], true)
  const shown = (name: string) =>
    bench.api.get(routeGroups, 'shop', name)?.status?.loadBalancer?.routegroup
  await bench.until(() => shown('front') !== undefined && shown('named') !== undefined)
  t.strictSame(shown('front'), [{ ip: '192.0.2.1' }])
  t.strictSame(shown('named'), [{ ip: '192.0.2.1' }])
  await bench.pass(60_000)
  t.equal(shown('other'), undefined, 'a group of another class is not touched')
})

t.test('with target groups nothing is shown before a target is healthy', async (t) => {
  const { bench, shown } = await setStage(t)
  bench.api.put(balancer([{ ip: '192.0.2.7' }]))
  bench.api.put(ingress('front'))
  await bench.replica('c-1', [...service, '--ingress-status', 'auto'])
  await bench.pass(10_000)
  t.strictSame(shown('front'), [])
  bench.pod('p-1')
  await bench.until(() => shown('front').length > 0)
  t.strictSame(shown('front'), [{ ip: '192.0.2.7' }], 'not the name of the target group’s balancer')
  t.strictSame(bench.healthy(), ['10.0.0.1'])
})

t.test('an address that we wrote leaves with an Ingress that went to another class', async (t) => {
  const { bench, shown } = await setStage(t)
  bench.api.put(balancer([{ ip: '192.0.2.7' }]))
  bench.api.put(ingress('front'))
  await bench.replica('c-1', service, true)
  await bench.until(() => shown('front').length > 0)
  const known = bench.api.get(ingresses, 'shop', 'front')
  bench.api.put({
    ...ingress('front', shown('front')),
    metadata: {
      ...known?.metadata,
      namespace: 'shop',
      name: 'front',
      annotations: { 'kubernetes.io/ingress.class': 'other' },
    },
  })
  await bench.until(() => shown('front').length === 0)
  t.strictSame(shown('front'), [])
})
