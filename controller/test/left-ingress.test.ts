// Ingresses that change their class: what we wrote into their status leaves, what others wrote stays, and no mistake about
// classes takes a name away.
import t, { type Test } from 'tap'
import { createKubeClient, type KubeClient } from '../../shared/kube/client.ts'
import { loadKubeConfig } from '../../shared/kube/config.ts'
import type { Ingress, IngressClass } from '../../shared/kube/objects.ts'
import { events, ingressClasses, ingresses } from '../../shared/kube/resources.ts'
import { Bench, type BenchReplica } from './bench.ts'

const name = 'edge.example.org'
const status = ['--ingress-status', name]

interface Stage {
  readonly bench: Bench
  /** Somebody else, by name. */
  readonly patch: (manager: string, patch: object, subresource?: 'status') => Promise<void>
  readonly entries: () => readonly object[]
  readonly replica: BenchReplica
}

function ingressClass(className: string, controller: string): IngressClass {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: className },
    spec: { controller },
  }
}

const shop: Ingress = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { namespace: 'shop', name: 'front' },
}

async function setStage(t: Test, ingress: Ingress): Promise<Stage> {
  const bench = await Bench.start(t)
  bench.api.put(ingressClass('weir', 'weir.dev/ingress'))
  bench.api.put(ingressClass('nginx', 'k8s.io/ingress-nginx'))
  const config = await loadKubeConfig({
    env: {},
    clock: bench.clock,
    kubeconfig: await bench.api.kubeconfigFile(t.testdir()),
  })
  const client: KubeClient = createKubeClient(config, { clock: bench.clock })
  t.teardown(() => client.close())
  const made = await client.create(ingresses, ingress)
  t.ok(made.ok)
  bench.pod('p-1')
  const entries = () =>
    bench.api.get(ingresses, 'shop', 'front')?.status?.loadBalancer?.ingress ?? []
  return {
    bench,
    entries,
    replica: await bench.replica('c-1', status),
    async patch(fieldManager, patch, subresource) {
      const call = { fieldManager, ...(subresource === undefined ? {} : { subresource }) }
      const answer = await client.patch(
        ingresses,
        { namespace: 'shop', name: 'front' },
        patch,
        call,
      )
      if (!answer.ok) throw new Error(answer.error.message)
    },
  }
}

/** The stage with an Ingress of class `weir` that shows our name. */
async function shownStage(t: Test): Promise<Stage> {
  const stage = await setStage(t, { ...shop, spec: { ingressClassName: 'weir' } })
  await stage.bench.until(() => stage.entries().length > 0)
  t.strictSame(stage.entries(), [{ hostname: name }])
  return stage
}

const toNginx = { spec: { ingressClassName: 'nginx' } }
const list = (ingress: readonly object[]) => ({ status: { loadBalancer: { ingress } } })

const changes: readonly {
  readonly why: string
  readonly change: (stage: Stage) => Promise<void>
  readonly left: readonly object[]
}[] = [
  {
    why: 'a class of another controller',
    change: ({ patch }) => patch('kubectl', toNginx),
    left: [],
  },
  {
    why: 'the annotation instead of the field',
    change: ({ patch }) =>
      patch('kubectl', {
        metadata: { annotations: { 'kubernetes.io/ingress.class': 'nginx' } },
        spec: { ingressClassName: null },
      }),
    left: [],
  },
  {
    why: 'a class that has no object, seen to change',
    change: ({ patch }) => patch('kubectl', { spec: { ingressClassName: 'elsewhere' } }),
    left: [],
  },
  {
    why: 'no class at all, seen to change',
    change: ({ patch }) => patch('kubectl', { spec: { ingressClassName: null } }),
    left: [],
  },
  {
    why: 'its new controller added its own name: that one stays',
    async change({ patch }) {
      await patch(
        'nginx',
        list([{ hostname: name }, { hostname: 'nginx.test' }, { ip: '192.0.2.1' }]),
        'status',
      )
      await patch('kubectl', toNginx)
    },
    left: [{ hostname: 'nginx.test' }, { ip: '192.0.2.1' }],
  },
  {
    why: 'its new controller was quicker and replaced ours: nothing of ours is there',
    async change({ patch }) {
      await patch('kubectl', toNginx)
      await patch('nginx', list([{ hostname: 'nginx.test' }]), 'status')
    },
    left: [{ hostname: 'nginx.test' }],
  },
  {
    why: 'the class was deleted: an accident until somebody says otherwise',
    async change({ bench }) {
      bench.api.remove(ingressClasses, '', 'weir')
      bench.api.put(ingressClass('other', 'weir.dev/ingress'))
    },
    left: [{ hostname: name }],
  },
  {
    why: 'the class went to another controller, the Ingress did not change',
    async change({ bench }) {
      bench.api.put(ingressClass('weir', 'k8s.io/ingress-nginx'))
    },
    left: [{ hostname: name }],
  },
  {
    why: 'nothing that has to do with classes',
    change: ({ patch }) => patch('kubectl', { metadata: { labels: { a: 'b' } } }),
    left: [{ hostname: name }],
  },
]

for (const { why, change, left } of changes) {
  t.test(
    `${left.length === 0 ? 'the name leaves' : `stays: ${JSON.stringify(left)}`}: ${why}`,
    async (t) => {
      const stage = await shownStage(t)
      await change(stage)
      await stage.bench.pass(10_000)
      t.strictSame(stage.entries(), left)
      await stage.bench.pass(90_000, { stepMs: 1_000 })
      t.strictSame(stage.entries(), left, 'and so it stays')
    },
  )
}

t.test('an Event says it, and time is not wasted', async (t) => {
  const { bench, patch, entries, replica } = await shownStage(t)
  await patch('kubectl', toNginx)
  const leftMs = await bench.until(() => entries().length === 0)
  t.ok(leftMs <= 1_000, `left after ${leftMs} ms`)
  await bench.pass(40_000, { stepMs: 1_000 })
  t.match(
    bench.api.list(events).filter(({ reason }) => reason === 'LoadBalancerWithdrawn'),
    [
      {
        type: 'Normal',
        count: 1,
        involvedObject: { kind: 'Ingress', name: 'front' },
        message: /^shop\/front: shows edge\.example\.org no more: its class is nginx now$/,
      },
    ],
  )
  t.equal(replica.lines.filter(({ fields }) => fields.action === 'withdraw-hostnames').length, 1)
  await patch('kubectl', { spec: { ingressClassName: 'weir' } })
  await bench.until(() => entries().length === 1)
  t.strictSame(entries(), [{ hostname: name }], 'and it comes back with the class')
})

t.test('a status that we did not write is never touched', async (t) => {
  const written = { ...shop, spec: { ingressClassName: 'weir' } }
  const { bench, patch, entries } = await setStage(t, written)
  // Another controller showed the same name before we came: there was nothing for us to write.
  await patch('kube-ingress-aws-controller', list([{ hostname: name }]), 'status')
  await bench.until(() => bench.healthy().length === 1)
  await bench.pass(10_000)
  await patch('kubectl', toNginx)
  await bench.pass(60_000, { stepMs: 1_000 })
  t.strictSame(entries(), [{ hostname: name }])
  const asked = bench.api.requests.filter(
    ({ verb, resource }) => verb === 'get' && resource.kind === 'Ingress',
  )
  t.equal(asked.length, 1, 'it was asked once who wrote it')
})

const restarts: readonly {
  readonly why: string
  readonly before?: (stage: Stage) => Promise<void>
  readonly args: readonly string[]
  readonly left: readonly object[]
}[] = [
  {
    why: 'it changed its class while nobody led',
    before: ({ patch }) => patch('kubectl', toNginx),
    args: status,
    left: [],
  },
  {
    why: 'another installation is none of our business',
    before: ({ patch }) => patch('kubectl', toNginx),
    args: [...status, '--lease-name', 'weir-two'],
    left: [{ hostname: name }],
  },
  {
    why: 'a mistyped class takes no name away',
    args: [...status, '--controller-class', 'weir.dev/ingres'],
    left: [{ hostname: name }],
  },
]

for (const { why, before, args, left } of restarts) {
  t.test(
    `after a restart, ${left.length === 0 ? 'the name leaves' : 'it stays'}: ${why}`,
    async (t) => {
      const stage = await shownStage(t)
      const { bench, replica } = stage
      await bench.settle(replica.controller.drain('SIGTERM').then(() => replica.controller.stop()))
      // managedFields count in whole seconds of the API server's own clock.
      await new Promise((resolve) => setTimeout(resolve, 1_100))
      await before?.(stage)
      const next = await bench.replica('c-2', args)
      await bench.until(() => next.controller.isLeader)
      await bench.pass(60_000, { stepMs: 500 })
      t.strictSame(stage.entries(), left)
    },
  )
}

t.test('without the permission to look, one line says so and nothing else suffers', async (t) => {
  const { bench, patch, entries, replica } = await shownStage(t)
  const allow = bench.api.faults.deny(['get'], ingresses)
  await patch('kubectl', toNginx)
  await bench.pass(60_000, { stepMs: 500 })
  t.strictSame(entries(), [{ hostname: name }])
  t.equal(replica.lines.filter(({ message }) => /cannot look/.test(message)).length, 1)
  bench.pod('p-2')
  await bench.until(() => bench.healthy().length === 2)
  allow()
  await bench.until(() => entries().length === 0, { stepMs: 500 })
  t.strictSame(entries(), [])
})

t.test('an entry that comes between look and write is not lost', async (t) => {
  const { bench, patch, entries } = await shownStage(t)
  bench.api.faults.answer({
    verbs: ['patch'],
    resource: ingresses,
    status: 409,
    reason: 'Conflict',
    times: 1,
  })
  // The model answers a conflict once, as the API server does to a version that is not the newest.
  await bench.pass(100)
  bench.api.put({ ...shop, ...current(bench), spec: { ingressClassName: 'nginx' } })
  await bench.until(() => entries().length === 0, { stepMs: 500 })
  const patches = bench.api.requests.filter(
    ({ verb, resource }) => verb === 'patch' && resource.kind === 'Ingress',
  )
  t.match(patches.at(-1)?.body, { metadata: { resourceVersion: /^\d+$/, uid: /./ } })
  t.ok(patches.filter(({ status }) => status === 409).length === 1)
  await patch('nginx', list([{ hostname: 'nginx.test' }]), 'status')
  await bench.pass(60_000, { stepMs: 500 })
  t.strictSame(entries(), [{ hostname: 'nginx.test' }])
})

function current(bench: Bench): Ingress {
  return bench.api.get(ingresses, 'shop', 'front') ?? shop
}

t.test('--dry-run shows what it would take away', async (t) => {
  const { bench, patch, entries, replica } = await shownStage(t)
  await bench.settle(replica.controller.drain('SIGTERM').then(() => replica.controller.stop()))
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  await patch('kubectl', toNginx)
  const dry = await bench.prepare('dry', [...status, '--dry-run', '--once'])
  await bench.settle(dry.controller.runOnce())
  t.match(dry.printed.join(''), /withdraw-hostnames {2}- {6}shop\/front/)
  t.strictSame(entries(), [{ hostname: name }])
})
