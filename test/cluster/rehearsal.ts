// Would the move from ingress-nginx go well? All Ingresses of test/ingress-nginx/manifests on a real API server, taken over by
// `--like ingress-nginx`, while clients use what is there already.
//
//   created one by one │ all answers of the table │ what owners are told │ each edited │ all deleted
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Ingress, IngressClass } from '../../shared/kube/objects.ts'
import { type Exchange, faultsOf, type Sent } from '../ingress-nginx/exchange.ts'
import {
  keysOf,
  type ManifestCase,
  ofIngresses,
  readManifestSet,
  verdictOf,
} from '../ingress-nginx/manifest-set.ts'
import { siteOf } from '../ingress-nginx/site.ts'
import { seeing, takeOver, tlsPort } from '../ingress-nginx/stage.ts'
import { startWorld, type World } from '../ingress-nginx/world.ts'
import { ask, problemsOf, until } from '../support/ask.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { installAccess } from './chart-access.ts'
import { startLoad } from './load.ts'
import { hostAddress } from './servers.ts'
import type { Stage, Suite } from './stage.ts'

const perSecond = 100
/** What the API server itself refuses, or what needs the addresses of Services, which nobody serves here. */
const leftOut: ReadonlySet<string> = new Set([
  'guide/several-hosts',
  'gitlab/gitlab-webservice-default',
])

/** The move of many Ingresses. */
export const rehearsalSuite: Suite = { name: 'rehearsal', run }

const nginxClass: IngressClass = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'nginx' },
  spec: { controller: 'k8s.io/ingress-nginx' },
}
const steady = siteOf({ name: 'steady', namespace: 'steady', rules: ['steady.test / steady'] })

async function run(stage: Stage): Promise<void> {
  await stage.admin.createNamespaces(['ingress-nginx'])
  await installAccess(stage, 'like-ingress-nginx')
  const set = readManifestSet().filter(({ id }) => !leftOut.has(id))
  const ingresses = [steady, ...set.map(({ ingress }) => ingress)]
  const world = await startWorld(ingresses, hostAddress)
  const namespaces = ingresses.flatMap(({ metadata }) => metadata?.namespace ?? [])
  const all = [...namespaces, ...world.objects.flatMap(({ metadata }) => metadata?.namespace ?? [])]
  await stage.admin.createNamespaces(all)
  await stage.admin.applyAll([nginxClass, ...world.objects, steady])
  const proxy = await startProxyProcess({
    flags: [...takeOver, ...tlsPort, '--workers', '2', '--access-log', 'off'],
    env: stage.servers.env,
    timeoutMs: 30_000,
  })
  try {
    const sent: Sent = { port: proxy.port, ...seeing(world.applications) }
    await new Rehearsal(stage, set, sent, world).run(proxy.adminPort)
  } finally {
    await proxy.stop()
    await world.close()
  }
}

class Rehearsal {
  readonly #stage: Stage
  readonly #set: readonly ManifestCase[]
  readonly #sent: Sent
  readonly #world: World
  /** What clients do all the time. */
  readonly #used: Exchange[] = []
  readonly #faults: string[] = []
  #isOver = false
  #count = 0

  constructor(stage: Stage, set: readonly ManifestCase[], sent: Sent, world: World) {
    this.#stage = stage
    this.#set = set
    this.#sent = sent
    this.#world = world
  }

  async run(adminPort: number): Promise<void> {
    const { check, admin } = this.#stage
    const load = startLoad(this.#sent.port, 'steady.test', perSecond)
    const clients = this.#useAll()
    await check(`${this.#set.length} Ingresses are created, and each serves as it should`, () =>
      this.#create(),
    )
    for (const { id, exchanges } of this.#set) {
      if (exchanges.length > 0)
        await check(`${id}: all its answers`, () => this.#checkAll(exchanges))
    }
    await check('owners are told what the documentation announces, and nothing else', () =>
      this.#checkProblems(adminPort),
    )
    await check('each is edited, and nobody notices', () => this.#edit())
    this.#isOver = true
    await clients
    await check('no client of any of them got another answer meanwhile', async () => {
      assert.deepEqual(this.#faults, [])
      return `${this.#count} requests of ${this.#used.length} kinds`
    })
    await check('all are deleted, and are gone', async () => {
      for (const { ingress } of this.#set) await admin.remove(ingress)
      const status = async () =>
        (await ask(this.#sent.port, { host: 'grafana.test', path: '/d/abc' })).status
      await until('the first is gone', status, (each) => each === 404)
      await until(
        'no problem is left',
        () => problemsOf(adminPort),
        (each) => each.length === 0,
      )
    })
    await load.stop()
    await check(`no failed request of ${perSecond} per second beside all of this`, async () => {
      assert.deepEqual([...load.failures], [])
      return `${load.answered} requests`
    })
    await Promise.all(this.#world.objects.map((object) => admin.remove(object)))
    for (const object of [steady, nginxClass]) await admin.remove(object)
  }

  /** What serves as it should is used from then on: no Ingress that comes later may change it. */
  async #create(): Promise<void> {
    const awaited = new Set<Exchange>()
    const look = async () => {
      for (const exchange of awaited) {
        if ((await faultsOf(this.#sent, exchange)).length > 0) continue
        awaited.delete(exchange)
        this.#used.push(exchange)
      }
      return [...awaited].map(({ url }) => url)
    }
    for (const { ingress, exchanges } of this.#set) {
      await this.#stage.admin.applyAll([ingress])
      // Who asks all the time is soon above a limit.
      if (Object.keys(ingress.metadata?.annotations ?? {}).some((key) => /\/limit-/.test(key)))
        continue
      const first = exchanges.find((each) => each.method === undefined && each.asked === undefined)
      if (first !== undefined) awaited.add(first)
      await look()
    }
    await until('all serve', look, (urls) => urls.length === 0)
  }

  async #checkAll(exchanges: readonly Exchange[]): Promise<void> {
    for (const exchange of exchanges) {
      assert.deepEqual(await faultsOf(this.#sent, exchange), [], exchange.url)
    }
  }

  /** One after the other, again and again. */
  async #useAll(): Promise<void> {
    while (!this.#isOver) {
      for (const exchange of [...this.#used]) {
        this.#count += 1
        const faults = await faultsOf(this.#sent, exchange).catch((error) => [String(error)])
        if (faults.length > 0) this.#faults.push(`${exchange.url}: ${faults}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async #checkProblems(adminPort: number): Promise<string> {
    // That a name outside of the cluster has no address is said of the name.
    const problems = ofIngresses(await problemsOf(adminPort))
    const documents = ['annotations.md', 'ingress-nginx.md'].map((name) =>
      readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8'),
    )
    const byOwner = Map.groupBy(problems, ({ namespace, name }) => `${namespace}/${name}`)
    for (const { id, verdict, told } of this.#set) {
      const own = byOwner.get(id) ?? []
      byOwner.delete(id)
      assert.equal(verdictOf(own), verdict, `${id}: ${JSON.stringify(own)}`)
      if (verdict === 'same') assert.deepEqual(keysOf(own), told, id)
      for (const { reason, field, message } of own) {
        if (reason === 'unknown-annotation' && !message.startsWith('Weir knows')) continue
        const row = `\`${keysOf([{ field }])}\``
        assert.ok(
          documents.some((text) => text.includes(row)),
          `${id}: ${row} is in no document`,
        )
      }
    }
    assert.deepEqual([...byOwner.keys()], [], 'nobody else is told anything')
    return `${problems.length} problems`
  }

  async #edit(): Promise<void> {
    for (const { ingress } of this.#set) {
      const { metadata = {}, ...rest } = ingress
      const annotations = { ...metadata.annotations, 'example.test/edited': 'true' }
      const edited: Ingress = { ...rest, metadata: { ...metadata, annotations } }
      await this.#stage.admin.applyAll([edited])
    }
  }
}
