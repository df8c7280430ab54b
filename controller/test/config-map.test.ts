// Are slips in ingress-nginx's ConfigMap told to whoever wrote it, as Events beside it, by one replica and without a flood?
import t from 'tap'
import type { ConfigMap } from '../../shared/kube/objects.ts'
import { configMaps, events } from '../../shared/kube/resources.ts'
import { Bench } from './bench.ts'

const flags = ['--config-map', 'edge/nginx']

function mapOf(data: Readonly<Record<string, string>>): ConfigMap {
  const metadata = { namespace: 'edge', name: 'nginx' }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data }
}

t.test(
  'a bad value is an Event about the ConfigMap, once, and again when it changes',
  async (t) => {
    const bench = await Bench.start(t)
    const about = (reason: string) =>
      bench.api
        .list(events)
        .filter((event) => event.involvedObject?.kind === 'ConfigMap' && event.reason === reason)
    bench.api.put(
      mapOf({ 'proxy-body-size': 'big', 'proxy-read-timeout': '1m', 'worker-processes': '8' }),
    )
    await bench.replica('c-1', flags)
    await bench.replica('c-2', flags)
    await bench.until(() => about('InvalidConfigKey').length > 0)
    t.match(about('InvalidConfigKey'), [
      {
        metadata: { namespace: 'edge' },
        type: 'Warning',
        involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'edge', name: 'nginx' },
        message:
          /^data\["proxy-body-size"\]: The value "big" must be a size .* Its default counts\. Write it as: .*data\["proxy-read-timeout"\]: The value "1m"/,
      },
    ])
    await bench.until(() => about('UnknownConfigKey').length > 0)
    t.match(about('UnknownConfigKey'), [{ message: /worker-processes.*has no effect.*--workers/ }])
    await bench.pass(120_000)
    t.equal(about('InvalidConfigKey').length, 1)
    t.match(about('InvalidConfigKey'), [{ count: 1 }], 'what is so is not said again')

    bench.api.put(mapOf({ 'proxy-body-size': 'huge' }))
    await bench.until(() => about('InvalidConfigKey')[0]?.count === 2)
    t.match(
      about('InvalidConfigKey'),
      [{ message: /"huge"/ }],
      'the same Event, brought up to date',
    )
    bench.api.put(mapOf({ 'proxy-body-size': '8m' }))
    await bench.pass(120_000)
    t.match(about('InvalidConfigKey'), [{ count: 2 }], 'a good value is no news')
  },
)

t.test('one that is not there, or not to be read, or of another name costs nothing', async (t) => {
  const bench = await Bench.start(t)
  bench.api.put({
    ...mapOf({ 'proxy-body-size': 'big' }),
    metadata: { namespace: 'edge', name: 'x' },
  })
  const allow = bench.api.faults.deny(['list', 'watch'], configMaps)
  bench.pod('p-1')
  await bench.replica('c-1', flags)
  await bench.until(() => bench.healthy().length === 1)
  allow()
  await bench.pass(120_000)
  t.strictSame(
    bench.api.list(events).filter(({ involvedObject }) => involvedObject?.kind === 'ConfigMap'),
    [],
  )
})

t.test('without the option nobody looks', async (t) => {
  const bench = await Bench.start(t)
  bench.api.put(mapOf({ 'proxy-body-size': 'big' }))
  bench.pod('p-1')
  await bench.replica('c-1', [])
  await bench.until(() => bench.healthy().length === 1)
  t.notOk(bench.api.requests.some(({ resource }) => resource === configMaps))
})
