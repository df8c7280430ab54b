// From what the user gave to the controller's settings: the table is in settings-table.ts, what must fit together is here.
import { type OptionInput, type ParsedOptions, parseOptions } from '../shared/options.ts'
import { ConfigError, type OptionValues } from '../shared/options-table.ts'
import type { RateFamily } from './aws/operations.ts'
import type { Rate } from './aws/token-bucket.ts'
import { controllerOptions } from './settings-table.ts'

/** Everything that can be set on the controller, checked. */
export interface ControllerSettings
  extends Omit<OptionValues<typeof controllerOptions>, 'awsThrottle'> {
  readonly awsRates: Readonly<Record<RateFamily, Rate>>
}

/** Makes the controller's settings, or the text that `--help` or `--version` asks for; throws ConfigError. */
export function parseControllerSettings(
  input: OptionInput & { readonly version: string },
): ParsedOptions<ControllerSettings> {
  const parsed = parseOptions(controllerOptions, input, {
    heading: 'weir-controller: keeps target groups of an AWS load balancer pointed at the proxies.',
    version: input.version,
  })
  if (parsed.kind === 'print') return parsed
  const { awsThrottle, ...settings } = parsed.settings
  for (const { isBroken, message } of contradictions) {
    if (isBroken(settings)) throw new ConfigError(message)
  }
  return {
    kind: 'run',
    settings: {
      ...settings,
      region: settings.region ?? regionOf(settings.targetGroup),
      awsRates: parseRates(awsThrottle),
    },
  }
}

type Checked = Omit<ControllerSettings, 'awsRates'>

const contradictions: readonly {
  readonly isBroken: (settings: Checked) => boolean
  readonly message: string
}[] = [
  {
    isBroken: (settings) => settings.targetGroup.length === 0 && !publishes(settings),
    message:
      'target-group is missing: give the ARN or name of the target group to keep, or publish-service for Ingress status alone.',
  },
  {
    isBroken: ({ targetGroup, proxySelector, proxyService }) =>
      targetGroup.length > 0 && proxySelector === undefined && proxyService === undefined,
    message:
      'proxy-selector and proxy-service are both missing: say by labels or by Service which pods are proxies.',
  },
  {
    isBroken: ({ controlSocket, podName }) => controlSocket !== undefined && podName === undefined,
    message:
      'control-socket needs pod-name: set WEIR_POD_NAME from metadata.name of the proxy pod.',
  },
  {
    // The proxy would believe a controller that knows no target and so nothing of its load balancer.
    isBroken: ({ controlSocket, targetGroup }) =>
      controlSocket !== undefined && targetGroup.length === 0,
    message:
      'control-socket needs target-group: without one the proxy drains by its own drain-seconds; drop it.',
  },
  {
    isBroken: ({ publishService, publishStatusAddress }) =>
      publishService !== undefined && publishStatusAddress.length > 0,
    message: 'publish-service and publish-status-address exclude each other: give one of them.',
  },
  {
    isBroken: (settings) =>
      publishes(settings) && settings.ingressStatus !== 'off' && settings.ingressStatus !== 'auto',
    message:
      'ingress-status with a name excludes publish-service and publish-status-address: give one of them.',
  },
  {
    isBroken: ({ letGoLeastMs, letGoMostMs }) =>
      letGoLeastMs !== undefined && letGoMostMs !== undefined && letGoLeastMs > letGoMostMs,
    message: 'let-go-least-ms exceeds let-go-most-ms: the least must not be the larger one.',
  },
  {
    isBroken: ({ once, dryRun, output }) => output === 'json' && !once && !dryRun,
    message: 'output has no effect without dry-run or once: drop it or add one of them.',
  },
]

/** Something else than the load balancers of target groups says what Ingress status shows. */
function publishes({ publishService, publishStatusAddress }: Checked): boolean {
  return publishService !== undefined || publishStatusAddress.length > 0
}

/** The controller writes Ingress status. */
export function showsStatus(settings: Checked): boolean {
  return settings.ingressStatus !== 'off' || publishes(settings)
}

/** `arn:aws:elasticloadbalancing:REGION:…`. */
function regionOf(targetGroups: readonly string[]): string | undefined {
  const arn = targetGroups.find((group) => group.startsWith('arn:'))
  return arn?.split(':')[3] || undefined
}

function parseRates(texts: readonly string[]): Record<RateFamily, Rate> {
  const rates: Record<RateFamily, Rate> = {
    change: { perSecond: 4, burst: 20 },
    describe: { perSecond: 10, burst: 40 },
  }
  for (const given of texts) {
    const match = /^(change|describe)=(\d{1,4}(?:\.\d{1,3})?):(\d{1,4})$/.exec(given)
    const [, family, rate, burst] = match ?? []
    const parsed = { perSecond: Number(rate), burst: Number(burst) }
    if (!(parsed.perSecond > 0) || !(parsed.burst >= 1)) {
      throw new ConfigError(
        `aws-throttle must be change=RATE:BURST or describe=RATE:BURST with positive numbers, but it is "${given}".`,
      )
    }
    rates[family === 'change' ? 'change' : 'describe'] = parsed
  }
  return rates
}
