// A strict model of ELBv2 behind a real HTTP port, in AWS's own wire protocol, for the real SDK client.
// It is wrong on purpose when told so: throttling, stale reads, lost answers, missing permissions, no answer at all.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Clock } from '../../shared/clock.ts'
import {
  describeBalancers,
  describeGroups,
  describeHealth,
  type ModelBalancer,
} from './elbv2-model-answers.ts'
import { ModelGroup, type ModelGroupOptions, type ModelTiming } from './elbv2-model-group.ts'
import {
  answerXml,
  errorXml,
  ModelError,
  targetsField,
  type WireValue,
} from './elbv2-model-wire.ts'

/** What is wrong with AWS right now; all fields may be changed at any time. */
export interface ModelFaults {
  /** True: every call is throttled. A number: that many of the next calls. */
  throttle: boolean | number
  /** Reads answer as of so many ms ago. */
  staleMs: number
  /** So many of the next changes are made and answered with a 500. */
  loseAnswers: number
  /** Every call is answered with a 503. */
  isDown: boolean
  /** Actions that the role may not use. */
  denied: Set<string>
}

/** One call that arrived. */
export interface ModelCall {
  readonly action: string
  readonly atMs: number
  /** Empty when it succeeded, else AWS's error code. */
  readonly error: string
  /** How many targets it named. */
  readonly targets: number
}

export interface ModelOptions {
  readonly clock: Clock
  readonly timing?: Partial<ModelTiming>
  /** Items of a page; AWS's own is 400. */
  readonly pageSize?: number
}

const account = '123456789012'
const region = 'eu-central-1'
const changes = ['RegisterTargets', 'DeregisterTargets']

/** An account with target groups and load balancers. */
export class Elbv2Model {
  readonly faults: ModelFaults = {
    throttle: false,
    staleMs: 0,
    loseAnswers: 0,
    isDown: false,
    denied: new Set(),
  }
  readonly timing: ModelTiming
  readonly calls: ModelCall[] = []
  readonly groups = new Map<string, ModelGroup>()
  readonly balancers = new Map<string, ModelBalancer>()
  /** Instances that run. */
  readonly instances = new Set<string>()
  readonly #clock: Clock
  readonly #pageSize: number
  #server: Server | undefined
  #serial = 0

  constructor({ clock, timing, pageSize = 400 }: ModelOptions) {
    this.#clock = clock
    this.#pageSize = pageSize
    this.timing = { initialMs: 10_000, drainMs: 300_000, ...timing }
  }

  /** Adds a load balancer and returns its ARN. */
  addBalancer(name: string, type: ModelBalancer['type'] = 'application'): string {
    const kind = type === 'application' ? 'app' : 'net'
    const arn = `arn:aws:elasticloadbalancing:${region}:${account}:loadbalancer/${kind}/${name}/${this.#nextId()}`
    const dnsName = `${name}-${this.#serial}.${region}.elb.amazonaws.com`
    this.balancers.set(arn, { arn, name, dnsName, type })
    return arn
  }

  /** Adds a target group. */
  addGroup(options: ModelGroupOptions): ModelGroup {
    const arn = `arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/${options.name}/${this.#nextId()}`
    const group = new ModelGroup(arn, options, this.#clock, this.timing, this.instances)
    this.groups.set(arn, group)
    return group
  }

  /** Counts the calls of an action that succeeded, or all. */
  countCalls(action?: string): number {
    return this.calls.filter((call) => action === undefined || call.action === action).length
  }

  /** Listens on a free loopback port; resolves with the endpoint for the SDK. */
  start(): Promise<string> {
    const server = createServer((request, response) => void this.#serve(request, response))
    this.#server = server
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        if (typeof address !== 'object' || address === null) return reject(new Error('no port'))
        resolve(`http://127.0.0.1:${address.port}`)
      })
    })
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    server.closeAllConnections()
    await new Promise((resolve) => {
      server.close(resolve)
    })
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk)
    const fields = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
    const action = fields.get('Action') ?? ''
    const note = (error: string): void => {
      const targets = targetsField(fields)?.length ?? 0
      this.calls.push({ action, atMs: this.#clock.now(), error, targets })
    }
    try {
      this.#admit(request, fields, action)
      const result = this.#run(action, fields)
      if (changes.includes(action) && this.faults.loseAnswers > 0) {
        this.faults.loseAnswers--
        throw new ModelError('InternalFailure', 'An internal error has occurred', 500)
      }
      note('')
      response.writeHead(200, { 'content-type': 'text/xml' }).end(answerXml(action, result))
    } catch (error) {
      if (!(error instanceof ModelError)) throw error
      note(error.code)
      response.writeHead(error.status, { 'content-type': 'text/xml' }).end(errorXml(error))
    }
  }

  #admit(request: IncomingMessage, fields: URLSearchParams, action: string): void {
    const { faults } = this
    if (faults.isDown) throw new ModelError('ServiceUnavailable', 'The service is down', 503)
    if (request.method !== 'POST' || fields.get('Version') !== '2015-12-01') {
      throw new ModelError('InvalidAction', 'The API version is unknown')
    }
    if (!request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 Credential=')) {
      throw new ModelError('MissingAuthenticationToken', 'The request is not signed', 403)
    }
    if (faults.denied.has(action)) {
      throw new ModelError(
        'AccessDenied',
        `User is not authorized to perform: elasticloadbalancing:${action}`,
        403,
      )
    }
    if (faults.throttle === true) throw new ModelError('Throttling', 'Rate exceeded')
    if (typeof faults.throttle === 'number' && faults.throttle > 0) {
      faults.throttle--
      throw new ModelError('Throttling', 'Rate exceeded')
    }
  }

  #run(action: string, fields: URLSearchParams): WireValue {
    switch (action) {
      case 'DescribeTargetGroups':
        return describeGroups([...this.groups.values()], fields, this.#pageSize)
      case 'DescribeLoadBalancers':
        return describeBalancers([...this.balancers.values()], fields, this.#pageSize)
      case 'DescribeTargetGroupAttributes':
        return {
          Attributes: [...this.#group(fields).attributes].map(([Key, Value]) => ({ Key, Value })),
        }
      case 'DescribeTargetHealth':
        return describeHealth(this.#group(fields), fields, this.#clock.now() - this.faults.staleMs)
      case 'RegisterTargets':
        this.#group(fields).register(targetsField(fields) ?? missing('Targets'))
        return {}
      case 'DeregisterTargets':
        this.#group(fields).deregister(targetsField(fields) ?? missing('Targets'))
        return {}
      default:
        throw new ModelError('InvalidAction', `The action ${action} is not valid`)
    }
  }

  #group(fields: URLSearchParams): ModelGroup {
    const arn = fields.get('TargetGroupArn') ?? missing('TargetGroupArn')
    const group = this.groups.get(arn)
    if (group === undefined)
      throw new ModelError('TargetGroupNotFound', `Target group '${arn}' not found`)
    return group
  }

  #nextId(): string {
    this.#serial++
    return this.#serial.toString(16).padStart(16, '0')
  }
}

function missing(field: string): never {
  throw new ModelError('ValidationError', `${field} is missing`)
}
