// Do proxy and controller work with exactly the rights that the chart ships? Real tokens, real roles, and the audit log
// as the judge: a permission that is missing and one that nobody uses both fail.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { events, ingresses } from '../../shared/kube/resources.ts'
import { parseObjects } from '../chart/combinations.ts'
import { problemsOf, until } from '../support/ask.ts'
import { ingressOf, serviceOf } from '../support/manifests.ts'
import { startEcho } from '../support/upstream.ts'
import { type AuditEntry, auditEntries, auditMark, isForbidden, permissionOf } from './audit.ts'
import { chartNamespace, installAccess, removeAccess } from './chart-access.ts'
import { Fleet } from './fleet.ts'
import { hostAddress } from './servers.ts'
import { type Parts, programs, Sight } from './sight.ts'
import type { Stage, Suite } from './stage.ts'

/** Asked for an Ingress that left its class, of which there is none here. */
const rare = ['get networking.k8s.io/ingresses']
/** Used by the first combination only, which waits for it. */
const takesAMinute = ['patch events']

/** Rights, tokens, election, status, Events and gates. */
export const accessSuite: Suite = { name: 'access', run }

async function run(stage: Stage): Promise<void> {
  const echo = await startEcho('web', { address: hostAddress })
  try {
    await stage.admin.applyAll([...serviceOf('web', [echo])])
    await stage.admin.applyAll(groupKind)
    const isKnown = () => stage.admin.apply(group, { dryRun: true }).then(({ ok }) => ok)
    await until('the API server knows RouteGroups', () => isKnown().catch(() => false), Boolean)
    for (const [combination, targetType] of [
      ['alb-ip', 'ip'],
      ['alb-instance', 'instance'],
    ] as const) {
      await runCombination(stage, combination, targetType)
    }
    for (const definition of groupKind) await stage.admin.remove(definition)
  } finally {
    await echo.close()
  }
}

async function runCombination(
  stage: Stage,
  combination: string,
  targetType: 'ip' | 'instance',
): Promise<void> {
  const { admin, servers } = stage
  const mark = auditMark(servers.auditLog)
  const installed = await installAccess(stage, combination)
  const fleet = new Fleet(stage, installed, targetType)
  await fleet.start()
  for (const [index, name] of ['weir-a', 'weir-b', 'weir-c'].entries()) {
    await fleet.createPod(name, 11 + index)
  }
  await admin.applyAll([ingress('shop'), group])
  const proxy = await fleet.startProxy('weir-a')
  const controllers = new Map([
    ['weir-a', fleet.startController('weir-a')],
    ['weir-b', fleet.startController('weir-b')],
  ])
  const test = new Combination({ stage, combination, installed, fleet, proxy, controllers })
  try {
    await test.checkWork()
    if (combination === 'alb-ip') {
      await test.checkRotation()
      await test.checkEvents()
      await test.checkElection()
    }
    await test.checkEnd()
    await test.checkPermissions(auditEntries(servers.auditLog, installed.account.user, mark))
  } finally {
    await proxy.stop()
    for (const controller of controllers.values()) await controller.stop('SIGKILL')
    await fleet.close()
    for (const name of ['weir-a', 'weir-b', 'weir-c']) await admin.remove(podNamed(name), 0)
    await admin.remove(lease)
    await admin.remove(ingress('shop'))
    await admin.remove(group)
    await removeAccess(stage, installed)
  }
}

class Combination {
  readonly #parts: Parts
  readonly #sight: Sight
  #published = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.#sight = new Sight(parts)
  }

  async checkWork(): Promise<void> {
    const { fleet, proxy } = this.#parts
    await this.#check('a request is served by the token and the roles of the chart', async () => {
      await this.#sight.served('shop')
      assert.deepEqual(await problemsOf(proxy.adminPort), [])
    })
    await this.#check('one of two controllers leads', async () => {
      await this.#sight.leader((holder) => holder !== '')
    })
    await this.#check('the proxies are registered', async () => {
      await this.#sight.soon('three healthy', async () => fleet.targets(), allHealthy(3))
      const words = [...this.#parts.controllers.values()].map((each) => each.words).join('\n')
      assert.doesNotMatch(words, /cannot be a target/)
    })
    await this.#check('Ingress status shows the load balancer', async () => {
      await this.#sight.statusShown()
      this.#published = performance.now()
    })
    await this.#check('a RouteGroup is served, and its status shows it, too', async () => {
      await this.#sight.served('group')
      await this.#sight.groupStatusShown()
    })
    const hasGates = this.#parts.combination === 'alb-ip'
    await this.#check(`the readiness gates are ${hasGates ? 'open' : 'as the chart says'}`, () =>
      this.#sight.gatesOpen(),
    )
    await this.#check('a pod that is gone is deregistered', async () => {
      await this.#parts.stage.admin.remove(podNamed('weir-c'), 0)
      await this.#sight.soon('two healthy', async () => fleet.targets(), allHealthy(2))
    })
  }

  async checkRotation(): Promise<void> {
    const { stage, installed, proxy } = this.#parts
    await this.#check('a token that is replaced is followed without a failure', async () => {
      const before = installed.token
      const ids = await this.#sight.tokenIds(0)
      await installed.rotate()
      await installed.account.revoke(before)
      // Watches live on with the token that opened them: all connections must be made anew.
      await stage.servers.stopApi()
      const mark = auditMark(stage.servers.auditLog)
      await stage.servers.startApi()
      await stage.admin.applyAll([ingress('rotated')])
      await this.#sight.served('rotated')
      const after = await this.#sight.soon(
        'both programs use another token',
        () => this.#sight.tokenIds(mark.bytes),
        ({ proxy, controller }) => proxy.length > 0 && controller.length > 0,
      )
      for (const program of programs) {
        assert.equal(after[program].length, 1, `${program} uses one token`)
        assert.ok(!ids[program].includes(after[program][0] ?? ''), `${program} uses a new token`)
      }
      // A server that starts forbids for a moment what it allows once it has read its roles: that is a problem until then.
      await this.#sight.soon('no problems', () => problemsOf(proxy.adminPort), isEmpty)
    })
    await stage.admin.remove(ingress('rotated'))
  }

  async checkEvents(): Promise<void> {
    const { admin } = this.#parts.stage
    const namespace = 'default'
    await this.#check('Events stand beside the Ingress and the pods', async () => {
      await this.#sight.soon(
        'LoadBalancerPublished',
        () => this.#sight.reasons(namespace),
        has('LoadBalancerPublished'),
      )
      await this.#sight.soon(
        'TargetRegistered',
        () => this.#sight.reasons(chartNamespace),
        has('TargetRegistered'),
      )
    })
    await this.#check('what happens again is counted in its Event a minute later', async () => {
      const nothing = { status: { loadBalancer: null } }
      const target = { namespace, name: 'shop' }
      await admin.client.patch(ingresses, target, nothing, { subresource: 'status' })
      await this.#sight.statusShown()
      const count = async () => {
        const list = await admin.client.list(events, { namespace })
        const found = list.ok ? list.body.items : []
        const ofShop = found.filter(({ involvedObject }) => involvedObject?.name === 'shop')
        return ofShop.find(({ reason }) => reason === 'LoadBalancerPublished')?.count
      }
      await this.#sight.soon('count 2', count, (seen) => seen === 2, 90_000)
      return `${((performance.now() - this.#published) / 1000).toFixed(0)} s`
    })
  }

  async checkElection(): Promise<void> {
    const { fleet, controllers } = this.#parts
    await this.#check('a leader that ends hands over, and takes its own pod out', async () => {
      const first = await this.#sight.leader((holder) => holder !== '')
      const startMs = performance.now()
      const code = controllers.get(first)?.stop('SIGTERM')
      const second = await this.#sight.leader((holder) => holder !== '' && holder !== first)
      const tookMs = performance.now() - startMs
      assert.equal(await code, 0)
      controllers.set(first, fleet.startController(first))
      await this.#sight.soon('registered again', async () => fleet.targets(), allHealthy(2))
      return `${second} leads after ${tookMs.toFixed(0)} ms`
    })
    await this.#check('a leader that is killed is followed when its lease is over', async () => {
      const first = await this.#sight.leader((holder) => holder !== '')
      const startMs = performance.now()
      await controllers.get(first)?.stop('SIGKILL')
      const second = await this.#sight.leader((holder) => holder !== '' && holder !== first)
      return `${second} leads after ${((performance.now() - startMs) / 1000).toFixed(1)} s`
    })
  }

  async checkEnd(): Promise<void> {
    const { controllers } = this.#parts
    // The leader only: the last one would wait for another healthy target before it takes its own out.
    await this.#check('the leader ends in order', async () => {
      const isRunning = (name: string) => controllers.get(name)?.isRunning === true
      const leader = await this.#sight.leader(isRunning)
      assert.equal(await controllers.get(leader)?.stop('SIGTERM'), 0)
    })
  }

  async checkPermissions(entries: readonly AuditEntry[]): Promise<void> {
    const { installed, combination } = this.#parts
    await this.#check('nothing that was asked for was forbidden', async () => {
      // An API server that starts forbids for a moment what it allows as soon as it has read its roles.
      const allowed = new Set(entries.filter((entry) => !isForbidden(entry)).map(permissionOf))
      const forbidden = new Set(entries.filter(isForbidden).map(permissionOf))
      assert.deepEqual([...forbidden.difference(allowed)], [])
      return `${entries.length} requests`
    })
    for (const program of programs) {
      await this.#check(`the ${program}'s roles hold what it uses and no more`, async () => {
        const own = entries.filter(({ userAgent = '' }) => userAgent.startsWith(`weir-${program}`))
        const used = [...new Set(own.map(permissionOf))].sort()
        const unseen = [...rare, ...(combination === 'alb-ip' ? [] : takesAMinute)]
        const shipped = new Set(installed.permissionsOf(program))
        assert.deepEqual(used, [...shipped].filter((one) => !unseen.includes(one)).sort())
        return `${used.length} permissions`
      })
    }
  }

  #check(name: string, run: () => Promise<unknown>): Promise<void> {
    return this.#parts.stage.check(`${this.#parts.combination}: ${name}`, run)
  }
}

function ingress(name: string): KubeObject {
  return ingressOf(name, [{ host: `${name}.test`, service: 'web' }])
}

/** The kind that the chart ships. */
const groupKind = parseObjects(
  readFileSync(new URL('../../deploy/chart/crds/routegroups.yaml', import.meta.url), 'utf8'),
)

const group: KubeObject & { readonly spec: object } = {
  apiVersion: 'zalando.org/v1',
  kind: 'RouteGroup',
  metadata: { namespace: 'default', name: 'group' },
  spec: {
    hosts: ['group.test'],
    backends: [{ name: 'web', type: 'service', serviceName: 'web', servicePort: 80 }],
    routes: [{ pathSubtree: '/', backends: [{ backendName: 'web' }] }],
  },
}

function podNamed(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: chartNamespace, name } }
}

const lease: KubeObject = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { namespace: chartNamespace, name: 'weir-controller' },
}

function allHealthy(count: number) {
  return (targets: readonly { readonly state: string }[]) =>
    targets.length === count && targets.every(({ state }) => state === 'healthy')
}

function isEmpty(list: readonly unknown[]): boolean {
  return list.length === 0
}

function has(wanted: string) {
  return (list: readonly (string | undefined)[]) => list.includes(wanted)
}
