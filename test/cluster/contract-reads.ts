// Lists, pages, selectors and watches, as Weir relies on them.
import assert from 'node:assert/strict'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { configMaps } from '../../shared/kube/resources.ts'
import { bad, type ContractCheck, configMap, good, namesOf, watch } from './contract-kit.ts'

/** Of reading. */
export const readChecks: readonly ContractCheck[] = [
  {
    name: 'a list has a version, is sorted, and its items do not say their kind',
    async run({ client, namespace }) {
      for (const name of ['list-b', 'list-a']) {
        good(await client.create(configMaps, configMap(namespace, name, { of: 'list' })))
      }
      const answer = await client.request({
        method: 'GET',
        path: `/api/v1/namespaces/${namespace}/configmaps`,
        query: { labelSelector: 'of=list' },
      })
      const list = good(answer) as Record<string, unknown> & { items: KubeObject[] }
      assert.equal(list.kind, 'ConfigMapList')
      assert.equal(list.apiVersion, 'v1')
      assert.deepEqual(namesOf(list.items), ['list-a', 'list-b'])
      assert.ok(list.items.every(({ kind, apiVersion }) => kind === undefined && !apiVersion))
      const read = good(await client.list(configMaps, { namespace, labelSelector: 'of=list' }))
      assert.deepEqual(namesOf(read.items), ['list-a', 'list-b'])
      assert.match(read.resourceVersion, /^\d+$/)
    },
  },
  {
    name: 'pages are of one moment',
    async run({ client, namespace }) {
      for (const name of ['page-1', 'page-2', 'page-3', 'page-5']) {
        good(await client.create(configMaps, configMap(namespace, name, { of: 'page' })))
      }
      const page = async (token?: string) => {
        const answer = await client.request({
          method: 'GET',
          path: `/api/v1/namespaces/${namespace}/configmaps`,
          query: { limit: 2, labelSelector: 'of=page', continue: token },
        })
        return good(answer) as {
          readonly metadata: { readonly continue?: string; readonly resourceVersion: string }
          readonly items: readonly KubeObject[]
        }
      }
      const first = await page()
      good(await client.create(configMaps, configMap(namespace, 'page-4', { of: 'page' })))
      good(await client.delete(configMaps, { namespace, name: 'page-3' }))
      const second = await page(first.metadata.continue)
      // With a selector there may be a further page, and nothing on it.
      const third = second.metadata.continue ? await page(second.metadata.continue) : undefined
      assert.deepEqual(third?.items ?? [], [])
      assert.ok(!third?.metadata.continue)
      assert.deepEqual(namesOf(first.items), ['page-1', 'page-2'])
      assert.deepEqual(namesOf(second.items), ['page-3', 'page-5'])
      assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion)
    },
  },
  {
    name: 'label selectors: equal, in, notin, there, not there',
    async run({ client, namespace }) {
      const rows = { 'sel-a': { tier: 'a', of: 'sel' }, 'sel-b': { tier: 'b', of: 'sel' } }
      for (const [name, labels] of Object.entries(rows)) {
        good(await client.create(configMaps, configMap(namespace, name, labels)))
      }
      good(await client.create(configMaps, configMap(namespace, 'sel-c', { of: 'sel' })))
      const cases = {
        'of=sel,tier=a': ['sel-a'],
        'of==sel,tier!=a': ['sel-b', 'sel-c'],
        'of=sel,tier in (a,b)': ['sel-a', 'sel-b'],
        'of=sel,tier notin (a)': ['sel-b', 'sel-c'],
        'of=sel,tier': ['sel-a', 'sel-b'],
        'of=sel,!tier': ['sel-c'],
        'of in (sel), tier in (a)': ['sel-a'],
      }
      for (const [labelSelector, wanted] of Object.entries(cases)) {
        const list = good(await client.list(configMaps, { namespace, labelSelector }))
        assert.deepEqual(namesOf(list.items), wanted, labelSelector)
      }
    },
  },
  {
    name: 'field selectors know names, and refuse fields that are not indexed',
    async run({ client, namespace }) {
      good(await client.create(configMaps, configMap(namespace, 'field')))
      const byName = { namespace, fieldSelector: 'metadata.name=field' }
      assert.deepEqual(namesOf(good(await client.list(configMaps, byName)).items), ['field'])
      const byData = { namespace, fieldSelector: 'data.value=field' }
      bad(await client.list(configMaps, byData), 400, 'BadRequest')
    },
  },
  {
    name: 'a watch tells each change once, in order, with rising versions',
    async run({ client, namespace }) {
      const target = { namespace, name: 'watched' }
      const { resourceVersion } = good(await client.list(configMaps, { namespace }))
      const watched = watch(client, configMaps, { namespace, resourceVersion })
      good(await client.create(configMaps, configMap(namespace, 'watched')))
      good(await client.patch(configMaps, target, { data: { value: 'new' } }))
      good(await client.delete(configMaps, target))
      const seen = await watched.until(3)
      watched.stop()
      assert.deepEqual(
        seen.map(({ type }) => type),
        ['ADDED', 'MODIFIED', 'DELETED'],
      )
      const objects = seen.flatMap((event) => ('object' in event ? [event.object] : []))
      const versions = objects.map(({ metadata }) => Number(metadata?.resourceVersion))
      assert.deepEqual(
        versions,
        versions.toSorted((a, b) => a - b),
      )
      assert.equal(new Set([resourceVersion, ...versions].map(Number)).size, 4)
      assert.deepEqual(
        objects.map(({ kind, data }) => [kind, data?.value]),
        [
          ['ConfigMap', 'watched'],
          ['ConfigMap', 'new'],
          ['ConfigMap', 'new'],
        ],
      )
      assert.equal((await watched.ended)?.reason, 'Aborted')
    },
  },
  {
    name: 'a watch goes on from where it is told to',
    async run({ client, namespace }) {
      const first = good(await client.create(configMaps, configMap(namespace, 'resume-1')))
      good(await client.create(configMaps, configMap(namespace, 'resume-2')))
      const resourceVersion = first.metadata?.resourceVersion ?? ''
      const watched = watch(client, configMaps, { namespace, resourceVersion })
      const [event] = await watched.until(1)
      watched.stop()
      assert.equal(
        event !== undefined && 'object' in event && event.object.metadata?.name,
        'resume-2',
      )
    },
  },
  {
    name: 'an object that leaves the selection of a watch is deleted to it, one that enters is added',
    async run({ client, namespace }) {
      const target = { namespace, name: 'moves' }
      good(await client.create(configMaps, configMap(namespace, 'moves', { in: 'no' })))
      const { resourceVersion } = good(await client.list(configMaps, { namespace }))
      const watched = watch(client, configMaps, {
        namespace,
        resourceVersion,
        labelSelector: 'in=yes',
      })
      for (const value of ['yes', 'yes', 'no']) {
        const labels = { in: value, again: value === 'yes' ? undefined : 'x' }
        good(await client.patch(configMaps, target, { metadata: { labels } }))
        good(await client.patch(configMaps, target, { data: { value } }))
      }
      const seen = await watched.until(3)
      watched.stop()
      assert.deepEqual(
        seen.map(({ type }) => type),
        ['ADDED', 'MODIFIED', 'DELETED'],
      )
    },
  },
  {
    name: 'a watch ends in order at its time, with a bookmark shortly before',
    async run({ client, namespace }) {
      // The API server sends most bookmarks, and promises none.
      const marks: { readonly at: number; readonly from: number }[] = []
      for (let watches = 1; marks.length === 0 && watches <= 3; watches++) {
        const { resourceVersion } = good(await client.list(configMaps, { namespace }))
        const options = { namespace, resourceVersion, timeoutSeconds: 6 }
        const watched = watch(client, configMaps, options)
        good(await client.create(configMaps, configMap(namespace, `marked-${watches}`)))
        assert.equal(await watched.ended, undefined)
        for (const event of watched.events) {
          if (event.type !== 'BOOKMARK') continue
          marks.push({ at: Number(event.resourceVersion), from: Number(resourceVersion) })
        }
      }
      assert.ok(marks.length >= 1)
      for (const { at, from } of marks) assert.ok(at > from)
    },
  },
  {
    name: 'pages that were begun expire (410), and so do old versions to watch from',
    async run(stage) {
      const { client, namespace } = stage
      const before = good(await client.list(configMaps, { namespace }))
      for (const name of ['old-1', 'old-2', 'old-3']) {
        good(await client.create(configMaps, configMap(namespace, name, { of: 'old' })))
      }
      const path = `/api/v1/namespaces/${namespace}/configmaps`
      const query = { limit: 2, labelSelector: 'of=old' }
      const page = good(await client.request({ method: 'GET', path, query })) as {
        readonly metadata: { readonly continue?: string }
      }
      good(await client.create(configMaps, configMap(namespace, 'old-4')))
      const token = await stage.expire(page.metadata.continue ?? '')
      const rest = { ...query, continue: token }
      bad(await client.request({ method: 'GET', path, query: rest }), 410, 'Expired')
      assert.ok(before.resourceVersion !== '')
      const late = watch(client, configMaps, { namespace, resourceVersion: '1' })
      const error = await late.ended
      assert.deepEqual([error?.status, error?.reason], [410, 'Expired'])
      assert.deepEqual(late.events, [])
    },
  },
]
