// How is a case played? Step after step; the first that goes wrong ends it, and says what was wrong.
import { setTimeout as delay } from 'node:timers/promises'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { ask } from '../support/ask.ts'
import type { ProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf } from '../support/raw-client.ts'
import { type CaseRequest, isService, type Step } from './case.ts'
import { type Answered, Client, Round } from './client.ts'
import { Jars } from './cookies.ts'
import { checkStep, type Sight } from './expectations.ts'
import { markerHost, markerTarget } from './objects.ts'
import type { StagedCase } from './stage.ts'

// A manifest folder is looked at twice a second.
const changeWithinMs = 3000
// A name outside is looked up once the change that brought it is in use.
const lookUpMs = 800
const healthPath = '/kube-system/healthz'

/** Plays a case; gives what went wrong, in words, or undefined. */
export async function playCase(
  staged: StagedCase,
  proxy: ProxyProcess,
): Promise<string | undefined> {
  const player = new Player(staged, proxy)
  try {
    await player.lookUp()
    for (const [at, step] of filledIn(staged.case.steps, proxy).entries()) {
      const wrong = await player.play(step)
      if (wrong !== undefined) return `step ${at + 1}: ${wrong}`
    }
    return undefined
  } finally {
    player.close()
  }
}

/** One request that is under way while other steps are played. */
interface InFlight {
  readonly sights: Promise<readonly Sight[]>
  readonly before: ReadonlyMap<string, number>
}

class Player {
  readonly #staged: StagedCase
  readonly #proxy: ProxyProcess
  readonly #client: Client
  readonly #labels = new Map<string, Sight>()
  readonly #inFlight = new Map<string, InFlight>()

  constructor(staged: StagedCase, proxy: ProxyProcess) {
    this.#staged = staged
    this.#proxy = proxy
    const { case: played, certificates } = staged
    const tls = { port: proxy.tlsPort, scope: played.id, certificates }
    this.#client = new Client(proxy.port, tls, new Jars())
  }

  close(): void {
    this.#client.close()
  }

  /** Waits until the names outside are known, where the case has any. */
  async lookUp(): Promise<undefined> {
    if (this.#staged.objects.all.some(isExternalName)) await delay(lookUpMs)
  }

  async play(step: Step): Promise<string | undefined> {
    const { backends } = this.#staged
    if (step.apply !== undefined || step.delete !== undefined || step.config !== undefined) {
      return this.#change(step)
    }
    if (step.backend !== undefined && step.state !== undefined) {
      const { endpointOf } = step
      const place = endpointOf === undefined ? undefined : this.#labels.get(endpointOf)?.seen?.place
      await backends.set(step.backend, step.state, place)
      return undefined
    }
    if (step.waitMs !== undefined) {
      await delay(step.waitMs)
      return undefined
    }
    if (step.signal !== undefined) {
      this.#proxy.signal(step.signal)
      await this.#untilDraining()
      return undefined
    }
    if (step.exitWithinMs !== undefined) return this.#exit(step.exitWithinMs)
    if (step.start !== undefined && step.request !== undefined) {
      const before = this.#counts()
      this.#inFlight.set(step.start, { sights: this.#ask(step), before })
      await delay(step.leadMs ?? 0)
      return undefined
    }
    if (step.join !== undefined) return this.#join(step, step.join)
    if (step.request === undefined) return `not a step: ${Object.keys(step).join()}`
    const before = this.#counts()
    return this.#check(step, await this.#ask(step), before)
  }

  async #change(step: Step): Promise<string | undefined> {
    const { case: played, objects } = this.#staged
    objects.change(step)
    await objects.write()
    const wanted = markerTarget(objects.version)
    const deadline = performance.now() + changeWithinMs
    for (;;) {
      const response = await ask(this.#proxy.port, { host: markerHost(played.id) })
      if (fieldsOf(response, 'location')[0] === wanted) return this.lookUp()
      if (performance.now() > deadline) return `the change is not in use after ${changeWithinMs} ms`
      await delay(20)
    }
  }

  async #ask({ request = {}, repeat = 1, parallel = 1, everyMs = 0, label }: Step) {
    const sights: Sight[] = []
    const round = parallel === 1 ? new Round() : undefined
    for (let count = 0; count < repeat; count += 1) {
      if (count > 0 && everyMs > 0) await delay(everyMs)
      const together = Array.from({ length: parallel }, () => this.#one(request, round))
      sights.push(...(await Promise.all(together)))
    }
    round?.close()
    const last = sights.at(-1)
    if (label !== undefined && last !== undefined) this.#labels.set(label, last)
    return sights
  }

  async #one(request: CaseRequest, round: Round | undefined): Promise<Sight> {
    const answered = await this.#client.ask(request, round)
    const number = sightOf(answered)
    const seen = number === undefined ? undefined : this.#staged.backends.find(number)
    return { ...answered, seen }
  }

  async #join({ expect = {} }: Step, name: string): Promise<string | undefined> {
    const flight = this.#inFlight.get(name)
    if (flight === undefined) return `nothing started as ${name}`
    return this.#check({ expect }, await flight.sights, flight.before)
  }

  async #check(
    { expect = {} }: Step,
    sights: readonly Sight[],
    before: ReadonlyMap<string, number>,
  ): Promise<string | undefined> {
    return checkStep(expect, {
      sights,
      labels: this.#labels,
      backends: this.#staged.backends,
      certificateOf: (secret) => this.#staged.objects.certificateOf(secret),
      before: (service) => before.get(service) ?? 0,
    })
  }

  #counts(): ReadonlyMap<string, number> {
    const services = this.#staged.backends.services
    return new Map(services.map((name) => [name, this.#staged.backends.seenBy(name).length]))
  }

  async #exit(withinMs: number): Promise<string | undefined> {
    const end = await Promise.race([this.#proxy.exited, delay(withinMs)])
    return end === undefined ? `still there after ${withinMs} ms` : undefined
  }

  /** A signal takes a moment: as a load balancer does, look at the health check until it says so. */
  async #untilDraining(): Promise<void> {
    const deadline = performance.now() + changeWithinMs
    while (performance.now() < deadline) {
      const { response } = await this.#client.ask({ path: healthPath })
      if (response?.status !== 200) return
      await delay(20)
    }
  }
}

function isExternalName(object: KubeObject): boolean {
  return isService(object) && object.spec?.type === 'ExternalName'
}

function sightOf({ response }: Answered): number | undefined {
  const number = response === undefined ? undefined : fieldsOf(response, 'x-sight')[0]
  return number === undefined ? undefined : Number(number)
}

/** Puts the proxy's own ports and paths where a case names them. */
function filledIn(steps: readonly Step[], { port, tlsPort }: ProxyProcess): readonly Step[] {
  const text = JSON.stringify(steps)
    .replaceAll('<httpPort>', `${port}`)
    .replaceAll('<httpsPort>', `${tlsPort}`)
    .replaceAll('<healthPath>', healthPath)
  return JSON.parse(text)
}
