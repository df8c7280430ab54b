// The real SDK client against the strict model, over HTTP.
import t from 'tap'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { Elbv2Model } from '../test/elbv2-model.ts'
import { settle } from '../test/settle.ts'
import { AwsFailure } from './aws-failure.ts'
import { createElbv2, type Elbv2 } from './elbv2.ts'

interface Bench {
  readonly clock: ManualClock
  readonly model: Elbv2Model
  readonly elbv2: Elbv2
  readonly results: string[]
}

async function start(t: Tap, pageSize = 400): Promise<Bench> {
  const clock = new ManualClock()
  const model = new Elbv2Model({ clock, pageSize })
  const results: string[] = []
  const elbv2 = createElbv2({
    region: 'eu-central-1',
    endpoint: await model.start(),
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    clock,
    random: () => 0.5,
    rates: { describe: { perSecond: 10, burst: 40 }, change: { perSecond: 4, burst: 20 } },
    onCall: (operation, result) => results.push(`${operation} ${result}`),
  })
  t.teardown(async () => {
    elbv2.close()
    await model.stop()
  })
  return { clock, model, elbv2, results }
}

/** The part of a running test that undoes things. */
interface Tap {
  teardown(undo: () => Promise<void>): void
}

async function failureOf(work: Promise<unknown>): Promise<AwsFailure> {
  try {
    await work
  } catch (error) {
    if (error instanceof AwsFailure) return error
    throw error
  }
  throw new Error('it succeeded')
}

t.test('finds a group by name and by ARN, and says when there is none', async (t) => {
  const { model, elbv2 } = await start(t)
  const balancer = model.addBalancer('edge-lb')
  const group = model.addGroup({ name: 'edge', port: 9999, loadBalancerArns: [balancer] })
  const byName = await elbv2.findGroup('edge')
  t.strictSame(await elbv2.findGroup(group.arn), byName)
  t.match(byName, {
    arn: group.arn,
    targetType: 'ip',
    balancer: 'application',
    loadBalancerArns: [balancer],
  })
  t.equal(await elbv2.findGroup('other'), undefined)
})

const refused = [
  {
    options: { name: 'l', targetType: 'lambda' as const },
    words: /lambda/,
    why: 'no proxies there',
  },
  { options: { name: 'u', protocol: 'UDP' }, words: /UDP/, why: 'the proxy speaks TCP' },
]
for (const { options, words, why } of refused) {
  t.test(`refuses group ${JSON.stringify(options)}: ${why}`, async (t) => {
    const { model, elbv2 } = await start(t)
    model.addGroup(options)
    const failure = await failureOf(elbv2.findGroup(options.name))
    t.equal(failure.code, 'other')
    t.match(failure.message, words)
  })
}

t.test('reads all pages', async (t) => {
  const { model, elbv2 } = await start(t, 3)
  const arns = Array.from({ length: 45 }, (_, at) => model.addBalancer(`lb-${at}`))
  const found = await elbv2.loadBalancers(arns)
  t.strictSame(found.map(({ arn }) => arn).sort(), arns.sort())
  t.equal(model.countCalls('DescribeLoadBalancers'), 7 + 7 + 2)
})

t.test('a target goes through its states', async (t) => {
  const { clock, model, elbv2 } = await start(t)
  const group = model.addGroup({ name: 'edge', loadBalancerArns: [model.addBalancer('lb')] })
  const target = { id: '10.0.0.1', port: 9999 }
  const state = async (): Promise<string[]> =>
    (await elbv2.targetHealth(group.arn)).map(({ key, state }) => `${key} ${state}`)
  await elbv2.register(group.arn, [target])
  t.strictSame(await state(), ['10.0.0.1:9999 initial'])
  clock.advance(10_000)
  t.strictSame(await state(), ['10.0.0.1:9999 healthy'])
  await elbv2.deregister(group.arn, [target])
  t.strictSame(await state(), ['10.0.0.1:9999 draining'])
  clock.advance(300_000)
  t.strictSame(await state(), [])
  t.match(await elbv2.targetHealth(group.arn, [target]), [
    { state: 'unused', reason: 'Target.NotRegistered' },
  ])
})

t.test('IPv6 targets have one spelling', async (t) => {
  const { model, elbv2 } = await start(t)
  const group = model.addGroup({ name: 'edge6', ipAddressType: 'ipv6' })
  await elbv2.register(group.arn, [{ id: 'fd00:0:0:0:0:0:0:7', port: 9999 }])
  t.match(await elbv2.targetHealth(group.arn), [{ key: '[fd00::7]:9999', id: 'fd00::7' }])
})

t.test('throttled calls are repeated with back-off', async (t) => {
  const { clock, model, elbv2, results } = await start(t)
  const group = model.addGroup({ name: 'edge' })
  model.faults.throttle = 3
  await settle(clock, elbv2.targetHealth(group.arn))
  t.strictSame(results, [
    'DescribeTargetHealth throttled',
    'DescribeTargetHealth throttled',
    'DescribeTargetHealth throttled',
    'DescribeTargetHealth ok',
  ])
  const gaps = model.calls.map((call, at) => call.atMs - (model.calls[at - 1]?.atMs ?? 0)).slice(1)
  t.ok(
    gaps.every((gap, at) => gap >= (gaps[at - 1] ?? 0)),
    `the pauses grow: ${gaps}`,
  )
})

t.test('endless throttling ends the call, not the process', async (t) => {
  const { clock, model, elbv2 } = await start(t)
  const group = model.addGroup({ name: 'edge' })
  model.faults.throttle = true
  const failure = await settle(clock, failureOf(elbv2.targetHealth(group.arn)))
  t.equal(failure.code, 'throttled')
  t.equal(model.countCalls(), 6)
})

t.test('a lost answer is asked for again, the change happens once', async (t) => {
  const { clock, model, elbv2 } = await start(t)
  const group = model.addGroup({ name: 'edge' })
  model.faults.loseAnswers = 1
  await settle(clock, elbv2.register(group.arn, [{ id: '10.0.0.1', port: 9999 }]))
  t.equal(model.countCalls('RegisterTargets'), 2)
  t.equal(group.view().length, 1)
})

t.test('a missing permission names the IAM action and the resource', async (t) => {
  const { model, elbv2 } = await start(t)
  const group = model.addGroup({ name: 'edge' })
  model.faults.denied.add('RegisterTargets')
  const failure = await failureOf(elbv2.register(group.arn, [{ id: '10.0.0.1', port: 9999 }]))
  t.equal(failure.code, 'permission')
  t.match(failure.message, 'elasticloadbalancing:RegisterTargets')
  t.match(failure.message, group.arn)
  t.equal(model.countCalls(), 1)
})

const failures = [
  {
    name: 'an unknown instance',
    group: { name: 'g', targetType: 'instance' as const },
    target: { id: 'i-0123456789abcdef0', port: 9999 },
    code: 'invalid-target',
  },
  {
    name: 'an address outside the VPC without zone',
    group: { name: 'g' },
    target: { id: '192.168.0.1', port: 9999 },
    code: 'invalid-target',
  },
  {
    name: 'a group that is gone',
    group: undefined,
    target: { id: '10.0.0.1', port: 9999 },
    code: 'not-found',
  },
]
for (const { name, group, target, code } of failures) {
  t.test(`${name} is ${code}`, async (t) => {
    const { model, elbv2 } = await start(t)
    const arn = group === undefined ? 'arn:aws:nothing' : model.addGroup(group).arn
    t.equal((await failureOf(elbv2.register(arn, [target]))).code, code)
  })
}

t.test('an unreachable endpoint is unavailable', async (t) => {
  const { clock, model, elbv2 } = await start(t)
  const group = model.addGroup({ name: 'edge' })
  await model.stop()
  const failure = await settle(clock, failureOf(elbv2.targetHealth(group.arn)))
  t.equal(failure.code, 'unavailable')
})

t.test('calls keep to their token bucket', async (t) => {
  const { clock, model, elbv2 } = await start(t)
  const group = model.addGroup({ name: 'edge' })
  const work = Array.from({ length: 30 }, (_, at) =>
    elbv2.register(group.arn, [{ id: `10.0.0.${at}`, port: 9999 }]),
  )
  await Promise.all(work.slice(0, 20))
  t.equal(model.countCalls(), 20, 'the burst, while time stands still')
  await settle(clock, Promise.all(work), { stepMs: 20 })
  t.equal(model.countCalls(), 30)
  t.ok(clock.now() >= 2_500, 'ten more at 4/s')
})
