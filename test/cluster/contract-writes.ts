// Writes, their conflicts, and who may do what, as Weir relies on them.
import assert from 'node:assert/strict'
import { classSetAtMs, shownAtMs } from '../../controller/status/field-owners.ts'
import type { Lease } from '../../shared/kube/objects.ts'
import {
  configMaps,
  events,
  ingresses,
  leases,
  pods,
  resourcePath,
  secrets,
} from '../../shared/kube/resources.ts'
import { bad, type ContractCheck, configMap, good, ingress, pod, watch } from './contract-kit.ts'

/** Of writing, and of permissions. */
export const writeChecks: readonly ContractCheck[] = [
  {
    name: 'create fills in what the server owns, and refuses a name that is taken',
    async run({ client, namespace }) {
      const made = await client.create(configMaps, configMap(namespace, 'made'))
      assert.ok(made.ok && made.status === 201)
      const { uid, resourceVersion, creationTimestamp } = good(made).metadata ?? {}
      assert.match(uid ?? '', /^[0-9a-f-]{36}$/)
      assert.match(resourceVersion ?? '', /^\d+$/)
      assert.match(creationTimestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      const again = await client.create(configMaps, configMap(namespace, 'made'))
      bad(again, 409, 'AlreadyExists')
      const read = good(await client.get(configMaps, { namespace, name: 'made' }))
      assert.deepEqual(read, good(made))
    },
  },
  {
    name: 'what is not there is NotFound, whatever is asked of it',
    async run({ client, namespace }) {
      const target = { namespace, name: 'nowhere' }
      bad(await client.get(configMaps, target), 404, 'NotFound')
      bad(await client.delete(configMaps, target), 404, 'NotFound')
      bad(await client.patch(configMaps, target, { data: { a: 'b' } }), 404, 'NotFound')
      bad(await client.patch(ingresses, target, {}, { subresource: 'status' }), 404, 'NotFound')
      const path = '/apis/networking.k8s.io/v1/namespaces/default/others'
      const unknown = await client.request({ method: 'GET', path })
      assert.ok(!unknown.ok && unknown.error.status === 404)
    },
  },
  {
    name: 'a body of another kind is a bad request',
    async run({ client, namespace }) {
      const path = `/api/v1/namespaces/${namespace}/configmaps`
      const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }
      bad(await client.request({ method: 'POST', path, body }), 400, 'BadRequest')
    },
  },
  {
    name: 'an update of an old version is a conflict; without a version it is not',
    async run({ client, namespace }) {
      const made = good(await client.create(configMaps, configMap(namespace, 'updated')))
      const newer = good(await client.update(configMaps, { ...made, data: { value: '2' } }))
      assert.notEqual(newer.metadata?.resourceVersion, made.metadata?.resourceVersion)
      bad(await client.update(configMaps, { ...made, data: { value: '3' } }), 409, 'Conflict')
      const blind = { ...configMap(namespace, 'updated'), data: { value: '4' } }
      assert.equal(good(await client.update(configMaps, blind)).data?.value, '4')
      bad(await client.update(configMaps, configMap(namespace, 'none')), 404, 'NotFound')
    },
  },
  {
    name: 'a Lease: of two updates of one version one wins, and none goes without a version',
    async run({ client, namespace }) {
      const lease: Lease = {
        metadata: { namespace, name: 'lease' },
        spec: {
          holderIdentity: 'a',
          leaseDurationSeconds: 15,
          acquireTime: '2026-01-01T00:00:00.000000Z',
          renewTime: '2026-01-01T00:00:00.000000Z',
          leaseTransitions: 0,
        },
      }
      const made = good(await client.create(leases, lease))
      const by = (holderIdentity: string): Lease => ({
        ...made,
        spec: { ...made.spec, holderIdentity },
      })
      const answers = await Promise.all([
        client.update(leases, by('b')),
        client.update(leases, by('c')),
      ])
      assert.equal(answers.filter(({ ok }) => ok).length, 1)
      const lost = answers.find(({ ok }) => !ok)
      if (lost !== undefined) bad(lost, 409, 'Conflict')
      const { resourceVersion: _, ...metadata } = made.metadata ?? {}
      bad(await client.update(leases, { ...by('d'), metadata }), 422, 'Invalid')
      const read = good(await client.get(leases, { namespace, name: 'lease' }))
      assert.equal(read.spec?.acquireTime, lease.spec?.acquireTime)
    },
  },
  {
    name: 'status is written only by its subresource, and changes nothing else',
    async run({ client, namespace }) {
      const target = { namespace, name: 'status' }
      const shown = (hostname: string) => ({ loadBalancer: { ingress: [{ hostname }] } })
      const made = good(
        await client.create(ingresses, { ...ingress(namespace, 'status'), status: shown('x') }),
      )
      assert.equal(made.metadata?.generation, 1)
      assert.equal(made.status?.loadBalancer?.ingress?.length ?? 0, 0)
      const whole = { status: shown('lb'), spec: { rules: [] } }
      const sub = { subresource: 'status' } as const
      const patched = good(await client.patch(ingresses, target, whole, sub))
      assert.equal(patched.status?.loadBalancer?.ingress?.[0]?.hostname, 'lb')
      assert.equal(patched.spec?.rules?.length, 1)
      assert.equal(patched.metadata?.generation, 1)
      const spec = { spec: { rules: [{ host: 'b.test' }] }, status: shown('other') }
      const changed = good(await client.patch(ingresses, target, spec))
      assert.equal(changed.status?.loadBalancer?.ingress?.[0]?.hostname, 'lb')
      assert.equal(changed.spec?.rules?.[0]?.host, 'b.test')
      assert.equal(changed.metadata?.generation, 2)
    },
  },
  {
    name: 'managedFields tell who showed a load balancer last, and who set the class',
    async run({ client, namespace }) {
      const target = { namespace, name: 'owned' }
      const path = resourcePath(ingresses, target)
      const read = async () => good(await client.request({ method: 'GET', path }))
      const show = async (fieldManager: string, ingress: readonly object[] | null) => {
        const call = { subresource: 'status', fieldManager } as const
        good(await client.patch(ingresses, target, { status: { loadBalancer: { ingress } } }, call))
      }
      good(await client.create(ingresses, ingress(namespace, 'owned')))
      assert.equal(shownAtMs(await read(), 'weir-controller:edge/a'), undefined)
      await show('weir-controller:edge/a', [{ hostname: 'lb' }])
      const shownAt = shownAtMs(await read(), 'weir-controller:edge/a')
      assert.ok(shownAt !== undefined && shownAt <= Date.now())
      assert.equal(shownAtMs(await read(), 'weir-controller:edge/b'), undefined)
      const spec = { ingressClassName: 'nginx' }
      good(await client.patch(ingresses, target, { spec }, { fieldManager: 'somebody' }))
      assert.equal(shownAtMs(await read(), 'weir-controller:edge/a'), shownAt)
      assert.ok((classSetAtMs(await read()) ?? 0) >= shownAt)
      await show('other', [{ hostname: 'lb' }, { hostname: 'theirs' }])
      assert.equal(shownAtMs(await read(), 'weir-controller:edge/a'), undefined)
      assert.ok(shownAtMs(await read(), 'other') !== undefined)
      await show('weir-controller:edge/a', null)
      assert.equal(shownAtMs(await read(), 'other'), undefined)
      const gone = good(await client.get(ingresses, target))
      assert.equal(gone.status?.loadBalancer?.ingress, undefined)
    },
  },
  {
    name: 'a merge patch takes null as removal, replaces lists, and without a change writes nothing',
    async run({ client, namespace }) {
      const target = { namespace, name: 'merged' }
      const object = { ...configMap(namespace, 'merged'), data: { a: '1', b: '2' } }
      const made = good(await client.create(configMaps, object))
      const same = good(await client.patch(configMaps, target, { data: { a: '1' } }))
      assert.equal(same.metadata?.resourceVersion, made.metadata?.resourceVersion)
      const cut = good(await client.patch(configMaps, target, { data: { a: null, c: '3' } }))
      assert.deepEqual(cut.data, { b: '2', c: '3' })
    },
  },
  {
    name: 'a patch with an old version is a conflict, one with another uid is invalid',
    async run({ client, namespace }) {
      const target = { namespace, name: 'guarded' }
      const made = good(await client.create(ingresses, ingress(namespace, 'guarded')))
      const { resourceVersion = '', uid = '' } = made.metadata ?? {}
      const labelled = { metadata: { labels: { a: 'b' } } }
      good(await client.patch(ingresses, target, labelled))
      const late = { metadata: { resourceVersion, labels: { a: 'c' } } }
      bad(await client.patch(ingresses, target, late), 409, 'Conflict')
      const status = { loadBalancer: { ingress: [{ hostname: 'lb' }] } }
      const sub = { subresource: 'status' } as const
      const other = { metadata: { uid: '00000000-0000-4000-8000-000000000000' }, status }
      bad(await client.patch(ingresses, target, other, sub), 422, 'Invalid')
      good(await client.patch(ingresses, target, { metadata: { uid }, status }, sub))
    },
  },
  {
    name: 'a strategic patch merges conditions by type',
    async run({ client, namespace }) {
      const target = { namespace, name: 'gated' }
      good(await client.create(pods, pod(namespace, 'gated')))
      const write = (type: string, status: string) =>
        client.patch(
          pods,
          target,
          { status: { conditions: [{ type, status }] } },
          { subresource: 'status', kind: 'strategic' },
        )
      good(await write('ContainersReady', 'True'))
      good(await write('weir.dev/target-healthy', 'False'))
      good(await write('weir.dev/target-healthy', 'True'))
      const read = good(await client.get(pods, target))
      const shown = new Map(read.status?.conditions?.map(({ type, status }) => [type, status]))
      assert.equal(shown.get('ContainersReady'), 'True')
      assert.equal(shown.get('weir.dev/target-healthy'), 'True')
    },
  },
  {
    name: 'a patch of an unknown media type is refused (415)',
    async run({ client, namespace }) {
      good(await client.create(configMaps, configMap(namespace, 'media')))
      const answer = await client.request({
        method: 'PATCH',
        path: `/api/v1/namespaces/${namespace}/configmaps/media`,
        body: {},
        contentType: 'application/json',
      })
      bad(answer, 415, 'UnsupportedMediaType')
    },
  },
  {
    name: 'a deletion keeps its preconditions',
    async run({ client, namespace }) {
      const target = { namespace, name: 'deleted' }
      const made = good(await client.create(configMaps, configMap(namespace, 'deleted')))
      const uid = made.metadata?.uid ?? ''
      const other = { uid: '00000000-0000-4000-8000-000000000000' }
      bad(await client.delete(configMaps, target, other), 409, 'Conflict')
      bad(await client.delete(configMaps, target, { uid, resourceVersion: '1' }), 409, 'Conflict')
      good(await client.delete(configMaps, target, { uid }))
      bad(await client.get(configMaps, target), 404, 'NotFound')
      const anew = good(await client.create(configMaps, configMap(namespace, 'deleted')))
      assert.notEqual(anew.metadata?.uid, uid)
    },
  },
  {
    name: 'an Event is created and brought up to date',
    async run({ client, namespace }) {
      const made = await client.create(events, {
        metadata: { namespace, name: 'event.1' },
        involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name: 'p' },
        type: 'Normal',
        reason: 'Tested',
        message: 'once',
        source: { component: 'weir-controller', host: 'h' },
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:00:00Z',
        count: 1,
      })
      good(made)
      const target = { namespace, name: 'event.1' }
      const times = { lastTimestamp: '2026-01-01T00:01:00Z', count: 2, message: 'twice' }
      const patched = good(await client.patch(events, target, times))
      assert.deepEqual([patched.count, patched.message], [2, 'twice'])
    },
  },
  {
    name: 'an unknown token is Unauthorized',
    async run({ stranger, namespace }) {
      bad(await stranger.list(configMaps, { namespace }), 401, 'Unauthorized')
      const watched = watch(stranger, configMaps, { namespace, resourceVersion: '1' })
      assert.equal((await watched.ended)?.status, 401)
    },
  },
  {
    name: 'what no role allows is Forbidden, and the message says what it was',
    async run(stage) {
      const { namespace } = stage
      await stage.withLimits(async (limited) => {
        good(await limited.list(configMaps, { namespace }))
        const error = bad(await limited.list(secrets, { namespace }), 403, 'Forbidden')
        assert.match(error.message, /cannot list resource "secrets" in API group ""/)
        const made = await limited.create(configMaps, configMap(namespace, 'forbidden'))
        assert.match(bad(made, 403, 'Forbidden').message, /cannot create resource "configmaps"/)
        const watched = watch(limited, ingresses, { namespace, resourceVersion: '1' })
        const ended = await watched.ended
        assert.deepEqual([ended?.status, ended?.reason], [403, 'Forbidden'])
        assert.match(ended?.message ?? '', /cannot watch resource "ingresses" in API group "net/)
      })
    },
  },
]
