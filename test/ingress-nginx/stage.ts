// The real program in the place of ingress-nginx, with applications behind it: what is asked, what comes back, and what each
// application saw of it.
import type { Test } from 'tap'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { type Ask, ask, problemsOf, type ShownProblem } from '../support/ask.ts'
import { createManifestFolder, type ManifestFolder, serviceOf } from '../support/manifests.ts'
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts'
import { fieldsOf, type RawResponse } from '../support/raw-client.ts'
import type { ScriptedUpstream } from '../support/upstream.ts'
import { fieldOf, readSight, type Sight, sightOf, startApplication } from './application.ts'

/** Values of fields: a text is the whole value, undefined is that the field is not there. */
export type Fields = Readonly<Record<string, string | RegExp | undefined>>

/** One request, what must come back, and what an application must have seen. */
export interface Exchange extends Omit<Ask, 'host' | 'path'> {
  /** `host/path`. */
  readonly url: string
  readonly status: number
  /** Of the response. */
  readonly back?: Fields
  /** Part of the body. */
  readonly says?: string
  /** Which application answered. */
  readonly by?: string
  /** Path and query as the application that answered got them. */
  readonly target?: string
  /** Fields as the application that answered got them. */
  readonly up?: Fields
  /** Fields of the last request that another application got. */
  readonly asked?: { readonly service: string; readonly fields: Fields; readonly target?: string }
  readonly why: string
}

/** What the stage is made of. */
export interface StageOptions {
  readonly objects: readonly KubeObject[]
  /** Names of the Services in namespace `default`. */
  readonly services: readonly string[]
  /** ingress-nginx's ConfigMap. */
  readonly config?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
}

/** A running proxy with applications. */
export interface Stage {
  readonly proxy: ProxyProcess
  readonly folder: ManifestFolder
  /** What the application of a Service saw so far. */
  seenBy(service: string): readonly Sight[]
  application(service: string): ScriptedUpstream
  problems(): Promise<readonly ShownProblem[]>
}

const configMap = { namespace: 'ingress-nginx', name: 'ingress-nginx-controller' }

/** Starts all; it ends with the test. */
export async function startStage(t: Test, options: StageOptions): Promise<Stage> {
  const { objects, services, config, flags = [] } = options
  const started = await Promise.all(
    services.map(async (service) => [service, await startApplication(service)] as const),
  )
  const applications = new Map(started)
  const folder = createManifestFolder([
    ...objects,
    ...started.flatMap(([service, at]) => serviceOf(service, [at])),
    ...(config === undefined
      ? []
      : [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: configMap, ...{ data: config } }]),
  ])
  const proxy = await startProxyProcess({
    flags: [
      ...['--manifests', folder.path, '--like', 'ingress-nginx'],
      ...['--trusted-proxies', '127.0.0.1/32', '--trusted-fields', 'all'],
      ...(config === undefined ? [] : ['--config-map', `${configMap.namespace}/${configMap.name}`]),
      ...flags,
    ],
  })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all(started.map(([, application]) => application.close()))
    folder.dispose()
  })
  const application = (service: string) => {
    const found = applications.get(service)
    if (found === undefined) throw new Error(`no application ${service}`)
    return found
  }
  return {
    proxy,
    folder,
    application,
    seenBy: (service) => application(service).requests.map((each) => sightOf(service, each)),
    problems: () => problemsOf(proxy.adminPort),
  }
}

/** Sends the request of an exchange. */
export function send(
  stage: Stage,
  { url, ...exchange }: Pick<Exchange, 'url'> & Partial<Exchange>,
) {
  const slash = url.indexOf('/')
  return ask(stage.proxy.port, { ...exchange, host: url.slice(0, slash), path: url.slice(slash) })
}

/** Makes one exchange and holds the answer and what was seen against it. */
export async function check(t: Test, stage: Stage, exchange: Exchange): Promise<void> {
  const { status, back = {}, says, by, target, up = {}, asked } = exchange
  const answer = await send(stage, exchange)
  t.equal(answer.status, status, 'status')
  holdFields(t, back, (name) => joined(answer, name))
  if (says !== undefined) t.ok(answer.body.includes(says), `${answer.body} has ${says}`)
  const sight = readSight(answer.body)
  if (by !== undefined) t.equal(sight?.service, by, 'who answered')
  if (target !== undefined) t.equal(sight?.target, target, 'what was asked for')
  if (Object.keys(up).length > 0) {
    if (sight === undefined) t.fail('no application answered')
    else holdFields(t, up, (name) => fieldOf(sight, name))
  }
  if (asked === undefined) return
  await eventually(`${asked.service} was asked`, () => stage.seenBy(asked.service).length > 0)
  const last = stage.seenBy(asked.service).at(-1)
  if (last !== undefined) holdFields(t, asked.fields, (name) => fieldOf(last, name))
  if (asked.target !== undefined) t.equal(last?.target, asked.target)
}

function holdFields(t: Test, wanted: Fields, get: (name: string) => string | undefined): void {
  for (const [name, value] of Object.entries(wanted)) {
    if (value instanceof RegExp) t.match(get(name), value, name)
    else t.equal(get(name), value, name)
  }
}

function joined(answer: RawResponse, name: string): string | undefined {
  const values = fieldsOf(answer, name)
  return values.length === 0 ? undefined : values.join(', ')
}
