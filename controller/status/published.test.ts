import t from 'tap'
import type { Service } from '../../shared/kube/objects.ts'
import { addressesOf, entryOf, isPublishable, shownIn } from './published.ts'

const cases: readonly {
  readonly why: string
  readonly service: Service
  readonly expected: readonly string[]
}[] = [
  {
    why: 'names and addresses of the load balancer, and external ones, each once',
    service: {
      spec: {
        type: 'LoadBalancer',
        clusterIP: '10.1.0.1',
        externalIPs: ['192.0.2.9', '192.0.2.1'],
      },
      status: {
        loadBalancer: { ingress: [{ hostname: 'lb.example.org' }, { ip: '192.0.2.1' }] },
      },
    },
    expected: ['192.0.2.1', '192.0.2.9', 'lb.example.org'],
  },
  {
    why: 'a load balancer that is still being made has none',
    service: {
      spec: { type: 'LoadBalancer', clusterIP: '10.1.0.1' },
      status: { loadBalancer: {} },
    },
    expected: [],
  },
  {
    why: 'external addresses of a NodePort',
    service: { spec: { type: 'NodePort', clusterIP: '10.1.0.1', externalIPs: ['192.0.2.1'] } },
    expected: ['192.0.2.1'],
  },
  {
    why: 'a NodePort without them is reached inside',
    service: { spec: { type: 'NodePort', clusterIP: '10.1.0.1' } },
    expected: ['10.1.0.1'],
  },
  { why: 'a headless one has none', service: { spec: { clusterIP: 'None' } }, expected: [] },
  {
    why: 'another name',
    service: { spec: { type: 'ExternalName', externalName: 'lb.example.org' } },
    expected: ['lb.example.org'],
  },
  { why: 'a type that nobody knows', service: { spec: { type: 'Other' } }, expected: [] },
  { why: 'nothing at all', service: {}, expected: [] },
]
for (const { why, service, expected } of cases) {
  t.test(why, async (t) => t.strictSame(addressesOf(service), expected))
}

t.test('what the API server takes in a status', async (t) => {
  for (const text of ['192.0.2.1', '2001:db8::1', 'a', 'lb-1.example.org', 'a.1b']) {
    t.ok(isPublishable(text), text)
    t.equal(shownIn(entryOf(text)), text)
  }
  for (const text of [
    '',
    'A.test',
    '-a.test',
    'a..test',
    'a.test.',
    'a_b',
    '300.1.1.1',
    '1.2.3',
    'a:80',
  ]) {
    t.notOk(isPublishable(text), text)
  }
})
