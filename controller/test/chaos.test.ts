// What goes wrong around a target group, one row each: AWS, the API server, leaders, people.
import t, { type Test } from 'tap'
import { events, leases } from '../../shared/kube/resources.ts'
import { Bench, type BenchReplica } from './bench.ts'

interface Row {
  readonly name: string
  readonly why: string
  readonly run: (bench: Bench, t: Test) => Promise<void>
}

function proxies(bench: Bench, count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, at) => {
    const number = from + at
    const ip = `10.0.${Math.floor(number / 250)}.${(number % 250) + 1}`
    bench.pod(`p-${number}`, { ip })
    return ip
  }).sort()
}

function leaderOf(replicas: readonly BenchReplica[]): BenchReplica | undefined {
  return replicas.find(({ controller }) => controller.isLeader)
}

const rows: Row[] = [
  {
    name: 'a target deregistered by hand',
    why: 'the full diff every 30 s heals what no event told of',
    async run(bench, t) {
      proxies(bench, 3)
      await bench.replica('c-1')
      await bench.until(() => bench.healthy().length === 3)
      await bench.pass(5_000)
      bench.group.deregister([{ id: '10.0.0.2', port: 9999, zone: undefined }])
      const backMs = await bench.until(() => bench.states().includes('10.0.0.2 initial'))
      t.comment(`back after ${backMs} ms`)
      t.ok(backMs <= 35_000)
    },
  },
  {
    name: 'an address reused while AWS drains it',
    why: 'draining targets do not count as present',
    async run(bench, t) {
      proxies(bench, 3)
      await bench.replica('c-1')
      await bench.until(() => bench.healthy().length === 3)
      bench.terminate('p-1')
      await bench.until(() => bench.states().includes('10.0.0.2 draining'))
      bench.remove('p-1')
      bench.pod('p-9', { ip: '10.0.0.2' })
      const againMs = await bench.until(() => bench.states().includes('10.0.0.2 initial'))
      t.ok(againMs < 1_000, `registered again after ${againMs} ms, the drain takes 20 s`)
    },
  },
  {
    name: '1,000 targets',
    why: 'chunks of 200, one describe per pass',
    async run(bench, t) {
      const ips = proxies(bench, 1000)
      await bench.replica('c-1')
      await bench.until(() => bench.healthy().length === 1000)
      t.strictSame(bench.healthy(), ips)
      t.equal(bench.model.countCalls('RegisterTargets'), 5)
      const before = bench.model.countCalls()
      await bench.pass(120_000, { stepMs: 1_000 })
      t.equal(bench.model.countCalls() - before, 4, 'idle: one call per 30 s, however many targets')
    },
  },
  {
    name: 'more proxies than the quota allows',
    why: 'the chunk that is too much fails alone',
    async run(bench, t) {
      proxies(bench, 1050)
      const replica = await bench.replica('c-1')
      await bench.until(() => bench.healthy().length === 1000)
      await bench.pass(1_000)
      t.ok(
        replica.lines.some(
          ({ level, fields }) => level === 'error' && /TooManyTargets/.test(String(fields.error)),
        ),
      )
    },
  },
  {
    name: 'one impossible target among 250',
    why: 'the chunk is halved until the bad one is alone: all others are registered',
    async run(bench, t) {
      const ips = proxies(bench, 250)
      bench.pod('p-bad', { ip: '10.0.99.300' })
      const replica = await bench.replica('c-1')
      await bench.until(() => bench.healthy().length === 250)
      t.strictSame(bench.healthy(), ips)
      await bench.pass(1_000)
      const failed = replica.lines.filter(({ level }) => level === 'error')
      t.strictSame(
        failed.map(({ fields }) => fields.subject),
        ['10.0.99.300:9999'],
      )
    },
  },
  {
    name: 'a leader that ends in the middle of an apply',
    why: 'the next leader plans from what is there',
    async run(bench, t) {
      const first = await bench.replica('c-1', ['--aws-throttle', 'change=1:1'])
      await bench.until(() => first.controller.isLeader)
      const second = await bench.replica('c-2')
      const ips = proxies(bench, 600)
      await bench.until(() => bench.model.countCalls('RegisterTargets') === 1)
      await bench.settle(first.controller.stop())
      const tookOver = await bench.until(() => second.controller.isLeader)
      await bench.until(() => bench.healthy().length === 600)
      t.comment(`the second leads ${tookOver} ms after the first gave up`)
      t.strictSame(bench.healthy(), ips)
      t.ok(bench.model.countCalls('RegisterTargets') <= 5, 'nothing was registered twice in full')
    },
  },
  {
    name: 'a leader that loses the API server in the middle of an apply',
    why: 'a lost lease stops the next call',
    async run(bench, t) {
      const first = await bench.replica('c-1', ['--aws-throttle', 'change=1:1'])
      await bench.until(() => first.controller.isLeader)
      proxies(bench, 3)
      await bench.until(() => bench.healthy().length === 3)
      const before = bench.model.countCalls()
      await bench.api.pause()
      await bench.until(() => !first.controller.isLeader)
      const calls = bench.model.countCalls()
      await bench.pass(60_000, { stepMs: 500 })
      t.ok(calls - before <= 1)
      t.equal(bench.model.countCalls(), calls, 'no call to AWS without the lease')
      t.equal(bench.healthy().length, 3, 'everything stays as it is')
      await bench.api.resume()
      bench.pod('p-7')
      await bench.until(() => bench.healthy().length === 4)
    },
  },
  {
    name: 'two leaders for a moment',
    why: 'all actions are idempotent, and neither removes what the other needs',
    async run(bench, t) {
      proxies(bench, 3)
      // Two leases: both lead for good, which is worse than a moment.
      const both = [
        await bench.replica('c-1', ['--lease-name', 'one']),
        await bench.replica('c-2', ['--lease-name', 'two']),
      ]
      await bench.until(() => bench.healthy().length === 3)
      t.ok(both.every(({ controller }) => controller.isLeader))
      let fewest = 3
      for (const [gone, fresh] of [
        ['p-1', 'p-11'],
        ['p-2', 'p-12'],
        ['p-3', 'p-13'],
      ] as const) {
        bench.terminate(gone)
        bench.pod(fresh)
        const ip = `10.0.0.${fresh.slice(2)}`
        const old = `10.0.0.${Number(gone.slice(2)) + 1}`
        await bench.until(() => {
          fewest = Math.min(fewest, bench.healthy().length)
          return bench.healthy().includes(ip) && !bench.healthy().includes(old)
        })
        bench.remove(gone)
      }
      await bench.until(() => bench.states().length === 3)
      t.strictSame(bench.healthy(), ['10.0.0.11', '10.0.0.12', '10.0.0.13'])
      t.ok(fewest >= 2, `never fewer than ${fewest} healthy`)
    },
  },
  {
    name: 'a leader that dies',
    why: 'its lease runs out after 15 s',
    async run(bench, t) {
      proxies(bench, 2)
      const replicas = [await bench.replica('c-1'), await bench.replica('c-2')]
      await bench.until(() => bench.healthy().length === 2)
      const lease = bench.api.get(leases, 'edge', 'weir-controller')
      // Somebody who does not exist any more holds the lease.
      bench.api.put({
        ...lease,
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        spec: { ...lease?.spec, holderIdentity: 'dead', renewTime: '2026-01-01T00:00:09.000000Z' },
      })
      await bench.until(() => leaderOf(replicas) === undefined)
      const takenMs = await bench.until(() => leaderOf(replicas) !== undefined)
      t.comment(`a new leader after ${takenMs} ms`)
      t.ok(takenMs <= 20_000)
      bench.pod('p-5')
      await bench.until(() => bench.healthy().length === 3)
    },
  },
  {
    name: 'the group deleted and created again',
    why: 'clear state, and it recovers by itself',
    async run(bench, t) {
      proxies(bench, 2)
      const replica = await bench.replica('c-1')
      await bench.until(() => bench.healthy().length === 2)
      bench.model.groups.delete(bench.group.arn)
      await bench.until(() => replica.lines.some(({ message }) => /does not exist/.test(message)))
      t.match(JSON.stringify(replica.controller.targets()), 'does not exist')
      const [lb = ''] = bench.model.balancers.keys()
      const again = bench.model.addGroup({ name: 'edge', loadBalancerArns: [lb] })
      const backMs = await bench.until(() => bench.healthy(again).length === 2)
      t.ok(backMs <= 45_000, `recovered after ${backMs} ms`)
      t.ok(replica.lines.some(({ message }) => /can be kept again/.test(message)))
    },
  },
  {
    name: 'one group denied, the other kept',
    why: 'no group stops another one',
    async run(bench, t) {
      proxies(bench, 2)
      const replica = await bench.replica('c-1', ['--target-group', 'edge,missing'])
      await bench.until(() => bench.healthy().length === 2)
      t.ok(replica.lines.some(({ message }) => /target group missing does not exist/.test(message)))
    },
  },
  {
    name: 'two clusters on one group with tracked',
    why: 'each removes only what it registered',
    async run(bench, t) {
      bench.group.register([{ id: '10.0.9.1', port: 9999, zone: undefined }])
      proxies(bench, 2)
      const tracked = ['--ownership', 'tracked']
      await bench.replica('c-1', tracked)
      await bench.until(() => bench.healthy().length === 3)
      bench.terminate('p-1')
      await bench.until(() => bench.states().includes('10.0.0.2 draining'))
      bench.remove('p-1')
      await bench.pass(130_000, { stepMs: 500 })
      t.strictSame(bench.healthy(), ['10.0.0.3', '10.0.9.1'], 'the other cluster’s target stays')
      const lease = bench.api.get(leases, 'edge', 'weir-controller')
      t.strictSame(JSON.parse(lease?.metadata?.annotations?.['weir.dev/targets'] ?? ''), {
        [bench.group.arn]: ['10.0.0.3:9999'],
      })
    },
  },
  {
    name: 'a foreign target without tracked',
    why: 'Weir owns the whole group by default',
    async run(bench, t) {
      bench.group.register([{ id: '10.0.9.1', port: 9999, zone: undefined }])
      await bench.pass(5_000)
      proxies(bench, 2)
      await bench.replica('c-1')
      let together = 0
      await bench.until(() => {
        together = Math.max(together, bench.healthy().length)
        return bench.states().includes('10.0.9.1 draining')
      })
      t.equal(together, 3, 'ours were healthy before it left')
      t.strictSame(bench.healthy(), ['10.0.0.2', '10.0.0.3'])
    },
  },
  {
    name: 'AWS throttles for 30 s',
    why: 'back-off, then everything is done',
    async run(bench, t) {
      await bench.replica('c-1')
      await bench.pass(1_000)
      bench.model.faults.throttle = true
      proxies(bench, 3)
      await bench.pass(30_000)
      const calls = bench.model.countCalls()
      t.ok(calls < 60, `${calls} calls while throttled`)
      bench.model.faults.throttle = false
      const doneMs = await bench.until(() => bench.healthy().length === 3)
      t.ok(doneMs < 40_000, `healthy ${doneMs} ms after the throttling`)
    },
  },
  {
    name: 'stale answers for 30 s during a roll',
    why: 'what was just done is remembered; a stale view never empties the group',
    async run(bench, t) {
      proxies(bench, 3)
      await bench.replica('c-1')
      await bench.until(() => bench.healthy().length === 3)
      bench.model.faults.staleMs = 30_000
      let fewest = 3
      const watch = (condition: () => boolean) => (): boolean => {
        fewest = Math.min(fewest, bench.healthy().length)
        return condition()
      }
      for (const [at, gone] of ['p-1', 'p-2', 'p-3'].entries()) {
        bench.terminate(gone)
        bench.pod(`p-${at + 11}`)
        await bench.until(watch(() => bench.states().includes(`10.0.0.${at + 11} healthy`)))
        await bench.until(watch(() => !bench.states().includes(`10.0.0.${at + 2} healthy`)))
        bench.remove(gone)
      }
      bench.model.faults.staleMs = 0
      await bench.until(
        watch(() => bench.states().length === 3),
        { mostMs: 200_000 },
      )
      t.strictSame(bench.healthy(), ['10.0.0.11', '10.0.0.12', '10.0.0.13'])
      t.ok(fewest >= 2, `never fewer than ${fewest} healthy`)
    },
  },
  {
    name: 'answers that get lost',
    why: 'done but answered 500: repeating changes nothing',
    async run(bench, t) {
      proxies(bench, 3)
      bench.model.faults.loseAnswers = 2
      await bench.replica('c-1')
      await bench.until(() => bench.healthy().length === 3)
      t.equal(bench.states().length, 3)
    },
  },
  {
    name: 'AWS down for a minute',
    why: 'nothing is known, nothing is done, and it recovers',
    async run(bench, t) {
      proxies(bench, 2)
      const replica = await bench.replica('c-1')
      await bench.until(() => bench.healthy().length === 2)
      bench.model.faults.isDown = true
      bench.pod('p-7')
      await bench.pass(60_000, { stepMs: 500 })
      t.equal(bench.healthy().length, 2)
      t.ok(replica.controller.isReady, 'an unready sidecar would take a healthy proxy out')
      bench.model.faults.isDown = false
      await bench.until(() => bench.healthy().length === 3)
    },
  },
  {
    name: 'a selector that matches nothing',
    why: 'an empty list removes nothing that is healthy',
    async run(bench, t) {
      const ips = proxies(bench, 3)
      const right = await bench.replica('c-1')
      await bench.until(() => bench.healthy().length === 3)
      await bench.settle(right.controller.stop())
      const wrong = await bench.replica('c-2', ['--proxy-service', 'mistyped'])
      await bench.until(() => wrong.controller.isReady)
      await bench.pass(180_000, { stepMs: 500 })
      t.strictSame(bench.healthy(), ips)
      const refusals = wrong.lines.filter(({ fields }) => fields.code === 'empty-list')
      t.equal(refusals.length, 3, 'said once per target, not once per pass')
      t.match(refusals[0]?.fields.override, '--proxy-selector')
      const [event] = bench.api
        .list(events)
        .filter(({ reason }) => reason === 'TargetRemovalRefused')
      t.match(event, { type: 'Warning', count: 3, message: /To override: check --proxy-selector/ })
    },
  },
  {
    name: 'a missing permission',
    why: 'the log names the IAM action and the resource',
    async run(bench, t) {
      proxies(bench, 1)
      bench.model.faults.denied.add('RegisterTargets')
      const replica = await bench.replica('c-1')
      await bench.until(() =>
        replica.lines.some(({ fields }) =>
          String(fields.error).includes('elasticloadbalancing:RegisterTargets'),
        ),
      )
      t.match(await replica.metrics(), 'operation="RegisterTargets",result="permission"')
      bench.model.faults.denied.clear()
      await bench.until(() => bench.healthy().length === 1)
    },
  },
]

for (const { name, why, run } of rows) {
  t.test(`${name}: ${why}`, async (t) => {
    await run(await Bench.start(t), t)
  })
}
