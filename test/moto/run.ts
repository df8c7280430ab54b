// A second opinion on the wire format: the real controller process against moto's AWS and the in-process API server.
// `npm run test:moto`. Prints a user's view, and `N passed, N failed, N skipped` at the end; without moto all is skipped.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ingresses, pods } from '../../shared/kube/resources.ts'
import { type ApiServer, createApiServer } from '../../shared/testing/api-server.ts'
import { firstElement, type Moto, startMoto, whyNoMoto } from './moto-server.ts'

const checks = [
  'a dry run prints the plan, changes nothing and exits with 3',
  'one run registers the ready proxies',
  'a second dry run finds nothing to change and exits with 0',
  'a terminating proxy is deregistered, a new one registered',
  'Ingress status shows the DNS name of the load balancer',
  'an unknown target group is named in the error and exits with 1',
] as const

type Check = (typeof checks)[number]

let passed = 0
let failed = 0

function check(name: Check, isTrue: boolean, seen: unknown): void {
  console.log(`${isTrue ? 'ok' : 'not ok'} ${name}`)
  if (isTrue) passed++
  else {
    failed++
    console.log(seen)
  }
}

async function setStage(moto: Moto): Promise<string> {
  const vpcs = await moto.call('ec2', { Action: 'DescribeVpcs' })
  const subnets = await moto.call('ec2', { Action: 'DescribeSubnets' })
  const ids = [...subnets.matchAll(/<subnetId>([^<]+)<\/subnetId>/g)].map(([, id = '']) => id)
  const group = await moto.call('elasticloadbalancing', {
    Action: 'CreateTargetGroup',
    Name: 'edge',
    Protocol: 'HTTP',
    Port: '9999',
    TargetType: 'ip',
    VpcId: firstElement(vpcs, 'vpcId'),
  })
  const balancer = await moto.call('elasticloadbalancing', {
    Action: 'CreateLoadBalancer',
    Name: 'edge',
    'Subnets.member.1': ids[0] ?? '',
    'Subnets.member.2': ids[1] ?? '',
  })
  const arn = firstElement(group, 'TargetGroupArn')
  await moto.call('elasticloadbalancing', {
    Action: 'CreateListener',
    LoadBalancerArn: firstElement(balancer, 'LoadBalancerArn'),
    Protocol: 'HTTP',
    Port: '80',
    'DefaultActions.member.1.Type': 'forward',
    'DefaultActions.member.1.TargetGroupArn': arn,
  })
  return arn
}

/** Puts a ready proxy pod on 172.31.0.NUMBER, an address of moto's default VPC. */
function putPod(api: ApiServer, number: number): void {
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'edge', name: `weir-${number}`, labels: { app: 'weir' } },
    status: {
      phase: 'Running',
      podIP: `172.31.0.${number}`,
      podIPs: [{ ip: `172.31.0.${number}` }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  })
}

interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function runController(moto: Moto, kubeconfig: string, args: readonly string[]): Promise<Run> {
  const main = new URL('../../controller/main.ts', import.meta.url).pathname
  const child = spawn(
    process.execPath,
    [
      main,
      '--once',
      '--target-group=edge',
      '--proxy-selector=app=weir',
      '--proxy-namespace=edge',
      `--kubeconfig=${kubeconfig}`,
      `--aws-endpoint=${moto.endpoint}`,
      '--region=eu-central-1',
      ...args,
    ],
    {
      env: { PATH: process.env.PATH, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
    },
  )
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}

async function registered(moto: Moto, arn: string): Promise<string[]> {
  const xml = await moto.call('elasticloadbalancing', {
    Action: 'DescribeTargetHealth',
    TargetGroupArn: arn,
  })
  return [...xml.matchAll(/<Id>([^<]+)<\/Id>/g)].map(([, id = '']) => id).sort()
}

async function runChecks(moto: Moto, api: ApiServer, kubeconfig: string): Promise<void> {
  const arn = await setStage(moto)
  const run = (...args: string[]): Promise<Run> => runController(moto, kubeconfig, args)
  for (const number of [11, 12, 13]) putPod(api, number)
  api.put({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: 'shop', name: 'shop' },
    spec: { ingressClassName: 'weir' },
  })

  const dry = await run('--dry-run', '--ingress-status=auto')
  console.log(`$ weir-controller --dry-run --once …\n${dry.stdout}`)
  const lines = dry.stdout.split('\n').filter((line) => line.startsWith('register'))
  const isUntouched = (await registered(moto, arn)).length === 0
  check(checks[0], dry.code === 3 && lines.length === 3 && isUntouched, dry)

  const once = await run('--ingress-status=auto')
  const first = await registered(moto, arn)
  const isRegistered = first.join() === '172.31.0.11,172.31.0.12,172.31.0.13'
  check(checks[1], once.code === 0 && isRegistered, { first, once })

  const again = await run('--dry-run')
  check(checks[2], again.code === 0 && again.stdout.includes('nothing to change'), again)

  const old = api.get(pods, 'edge', 'weir-11')
  const deletionTimestamp = new Date(Date.now() + 60_000).toISOString()
  api.put({
    ...old,
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...old?.metadata, deletionTimestamp },
  })
  putPod(api, 14)
  const rolled = await run('--ingress-status=auto')
  const second = await registered(moto, arn)
  const isRolled = second.includes('172.31.0.14') && !second.includes('172.31.0.11')
  check(checks[3], rolled.code === 0 && isRolled, { second, rolled })

  const status = JSON.stringify(api.get(ingresses, 'shop', 'shop')?.status ?? {})
  check(checks[4], status.includes('.elb.amazonaws.com'), status)

  const unknown = await run('--target-group=nowhere', '--dry-run')
  check(checks[5], unknown.code === 1 && unknown.stdout.includes('nowhere'), unknown)
}

const reason = whyNoMoto()
if (reason === undefined) {
  const moto = await startMoto()
  const api = await createApiServer()
  const folder = await mkdtemp(join(tmpdir(), 'weir-moto-'))
  try {
    await runChecks(moto, api, await api.kubeconfigFile(folder))
  } finally {
    await moto.stop()
    await api.close()
    await rm(folder, { recursive: true })
  }
  console.log(`${passed} passed, ${failed} failed, 0 skipped`)
  process.exitCode = failed === 0 ? 0 : 1
} else {
  console.log(`skipped: ${reason}`)
  console.log(`0 passed, 0 failed, ${checks.length} skipped`)
}
