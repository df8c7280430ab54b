// Do the Ingresses that people have behave under `--like ingress-nginx` as they did? All of them in one real program, each with the
// answers that ingress-nginx gives; and how many need no touch.
import t from 'tap'
import { faultsOf, send } from './exchange.ts'
import {
  keysOf,
  type ManifestCase,
  ofIngresses,
  readManifestSet,
  verdictOf,
} from './manifest-set.ts'
import { startStage, tlsPort } from './stage.ts'
import { startWorld } from './world.ts'

const leastShare = 0.96

t.test('public manifests', async (t) => {
  const set = readManifestSet()
  const world = await startWorld(set.map(({ ingress }) => ingress))
  t.teardown(() => world.close())
  const stage = await startStage(t, {
    objects: [...set.map(({ ingress }) => ingress), ...world.objects],
    applications: world.applications,
    flags: tlsPort,
  })
  const problems = Map.groupBy(
    ofIngresses(await stage.problems()),
    ({ namespace, name }) => `${namespace}/${name}`,
  )
  for (const { id, verdict, why, says, told, exchanges, ingress } of set) {
    await t.test(id, async (t) => {
      const own = problems.get(id) ?? []
      const words = JSON.stringify(own, undefined, 1)
      t.equal(verdictOf(own), verdict, words)
      t.equal(why === undefined, verdict === 'same', 'what differs has its reason')
      if (says !== undefined) t.ok(words.includes(says), `${words} names ${says}`)
      if (verdict === 'same') t.same(keysOf(own), told, words)
      t.ok(
        own.every(({ remedy }) => remedy !== ''),
        'each problem has its remedy',
      )
      for (const exchange of exchanges) {
        t.same(await faultsOf(stage, exchange), [], exchange.url)
      }
      if (verdict === 'closed') t.match(await send(stage, { url: urlOf({ ingress }) }), closed)
      else t.not(exchanges.length, 0, 'something is asked of it')
    })
  }

  const same = set.filter(({ verdict }) => verdict === 'same').length
  const share = same / set.length
  const others = Map.groupBy(set, ({ verdict }) => verdict)
  const list = (verdict: ManifestCase['verdict']) =>
    (others.get(verdict) ?? []).map(({ id }) => id).join(', ')
  t.comment(`${same} of ${set.length} behave the same: ${(share * 100).toFixed(1)} %`)
  t.comment(`closed: ${list('closed')}; differ: ${list('differs')}`)
  t.ok(share >= leastShare, `${share} is at least ${leastShare}`)
})

const closed = { status: 503, body: /policy-closed/ }

/** Where the first rule of an Ingress is asked. */
function urlOf({ ingress }: Pick<ManifestCase, 'ingress'>): string {
  const { host = 'any.test', http } = ingress.spec?.rules?.[0] ?? {}
  return `https://${host}${http?.paths?.[0]?.path ?? '/'}`
}
