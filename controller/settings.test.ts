import t from 'tap'
import { ConfigError } from '../shared/options-table.ts'
import { type ControllerSettings, parseControllerSettings } from './settings.ts'

function parse(...argv: string[]): ControllerSettings {
  const parsed = parseControllerSettings({ argv, env: {}, readFile: () => '', version: '1' })
  if (parsed.kind !== 'run') throw new Error('nothing to run')
  return parsed.settings
}

const arn = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/edge/0123456789abcdef'
const least = ['--target-group', arn, '--proxy-selector', 'app=weir']

t.test('the region comes from the ARN unless it is given', async (t) => {
  t.equal(parse(...least).region, 'eu-west-1')
  t.equal(parse(...least, '--region', 'us-east-1').region, 'us-east-1')
  t.equal(parse('--target-group', 'edge', '--proxy-service', 'weir').region, undefined)
})

t.test('several groups, by flag or list', async (t) => {
  const { targetGroup } = parse(...least, '--target-group', 'one,two')
  t.strictSame(targetGroup, [arn, 'one', 'two'])
})

t.test('throttles are parsed per family, the other keeps its default', async (t) => {
  t.strictSame(parse(...least, '--aws-throttle', 'change=0.5:2').awsRates, {
    change: { perSecond: 0.5, burst: 2 },
    describe: { perSecond: 10, burst: 40 },
  })
})

t.test('Ingress status alone needs neither target groups nor proxies', async (t) => {
  const { publishStatusAddress } = parse(
    '--publish-status-address',
    '192.0.2.1, lb.example.org,2001:db8::1',
  )
  t.strictSame(publishStatusAddress, ['192.0.2.1', 'lb.example.org', '2001:db8::1'])
  t.strictSame(parse('--publish-service', 'edge/old').publishService, {
    namespace: 'edge',
    name: 'old',
  })
  t.ok(parse(...least, '--ingress-status', 'auto', '--publish-service', 'edge/old'))
})

const refused = [
  { argv: [], words: /target-group is missing/, why: 'nothing to keep' },
  {
    argv: ['--target-group', 'edge'],
    words: /proxy-selector and proxy-service/,
    why: 'no proxies',
  },
  { argv: [...least, '--control-socket', '/s'], words: /pod-name/, why: 'whose proxy is it?' },
  {
    argv: [...least, '--let-go-least-ms', '2', '--let-go-most-ms', '1'],
    words: /exceeds/,
    why: 'bounds in the wrong order',
  },
  {
    argv: ['--publish-service', 'edge/old', '--control-socket', '/s', '--pod-name', 'p'],
    words: /control-socket needs target-group/,
    why: 'nobody knows when the load balancer has let go',
  },
  {
    argv: ['--publish-service', 'edge/old', '--publish-status-address', '192.0.2.1'],
    words: /exclude each other/,
    why: 'two sources',
  },
  {
    argv: ['--publish-service', 'edge/old', '--ingress-status', 'a.test'],
    words: /ingress-status/,
    why: 'two sources',
  },
  { argv: ['--publish-service', 'old'], words: /NAMESPACE\/NAME/, why: 'of which namespace?' },
  ...['a_b.test', 'https://a.test', 'A.test', '192.0.2.1:80', '*.a.test', '300.1.1.1', ''].map(
    (address) => ({
      argv: ['--publish-status-address', address],
      words: address === '' ? /target-group is missing/ : /publish-status-address/,
      why: `${address || 'nothing'} is no address`,
    }),
  ),
  { argv: [...least, '--output', 'json'], words: /no effect/, why: 'nothing is printed' },
  { argv: [...least, '--aws-throttle', 'change=0:1'], words: /positive/, why: 'never is no rate' },
  { argv: [...least, '--aws-throttle', 'all=1:1'], words: /change=RATE/, why: 'no such family' },
  { argv: [...least, '--min-target', '1'], words: /min-target/, why: 'unknown option' },
]

for (const { argv, words, why } of refused) {
  t.test(`refuses ${argv.slice(-2).join(' ') || 'nothing'}: ${why}`, async (t) => {
    t.throws(() => parse(...argv), words)
    try {
      parse(...argv)
    } catch (error) {
      t.ok(error instanceof ConfigError)
    }
  })
}
