// What is checked about the chart and the manifests made from it, one entry per check. A check throws what is wrong.
import { equal, match, throws } from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseControllerSettings } from '../../controller/settings.ts'
import { combinationFiles, kubeVersion, renderChart } from '../../deploy/render-chart.ts'
import {
  manifestsFolder,
  outdatedManifests,
  overlays,
  plain,
} from '../../deploy/write-manifests.ts'
import { parseProxySettings } from '../../proxy/settings.ts'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { type Combination, namespace, parseObjects, renderCombinations } from './combinations.ts'
import { refusals, working } from './refusals.ts'
import { containersOf, graceSecondsOf, isLabelled, type RenderedContainer } from './rendered.ts'
import { schemaLocation, writeSchemas } from './schemas.ts'
import { findTool, runTool } from './tools.ts'

/** One check. `run` gets a folder for its files and may return a note for the report. */
export interface Check {
  readonly name: string
  readonly needs: readonly string[]
  readonly run: (folder: string) => string | undefined
}

const root = resolve(import.meta.dirname, '../..')
const chart = join(root, 'deploy/chart')
const names = [...combinationFiles().keys()]

let rendered: Map<string, Combination> | undefined

function combination(name: string): Combination {
  rendered ??= new Map(renderCombinations().map((one) => [one.name, one]))
  const found = rendered.get(name)
  if (found === undefined) throw new Error(`${name} was not rendered`)
  return found
}

function succeed(tool: string, args: readonly string[]): string {
  const { code, output, stdout } = runTool(tool, args)
  if (code !== 0) throw new Error(output)
  return stdout
}

function lint(name: string): undefined {
  const values = join(chart, 'ci', `${name}.yaml`)
  succeed('helm', ['lint', '--strict', '--kube-version', kubeVersion, '--values', values, chart])
}

function refuse({ sets, says }: (typeof refusals)[number]): undefined {
  const helm = findTool('helm') ?? 'helm'
  const answer = renderChart({ helm, namespace, sets: [...working, ...sets] })
  if (answer.ok) throw new Error('was rendered')
  for (const words of says) {
    if (!answer.error.includes(words))
      throw new Error(`says nothing of "${words}":\n${answer.error}`)
  }
}

function conform({ name, manifests, objects }: Combination, folder: string): string {
  const own = join(folder, name)
  mkdirSync(own)
  writeSchemas(own, objects)
  const file = join(own, 'manifests.yaml')
  writeFileSync(file, manifests)
  succeed('kubeconform', ['-strict', '-schema-location', join(own, schemaLocation), file])
  return `${objects.length} objects, ${(manifests.length / 1000).toFixed(1)} kB`
}

/** A check that finds nothing wrong anywhere proves nothing: faults of three sorts must be found. */
function findFaults(folder: string): undefined {
  const sound = combination('alb-ip')
  const faults = {
    'an unknown field': ['terminationGracePeriodSeconds:', 'terminationGraceSeconds:'],
    'a wrong type': ['runAsNonRoot: true', 'runAsNonRoot: "yes"'],
    'an unknown kind': ['kind: IngressClass', 'kind: IngresClass'],
  } as const
  for (const [fault, [right, wrong]] of Object.entries(faults)) {
    const manifests = sound.manifests.replace(right, wrong)
    const name = fault.replaceAll(' ', '-')
    const check = () => conform({ name, manifests, objects: sound.objects }, folder)
    throws(check, /invalid|could not find schema/, `${fault} is found`)
  }
}

/** Hands the rendered command line (or file) to the very parsers that the programs use. */
function parse(name: string): string {
  const { objects } = combination(name)
  const readFile = (path: string): string => configText(objects, basename(path))
  const common = { readFile, version: '0' }
  const containers = containersOf(objects)
  const proxy = containers.find((container) => container.name === 'proxy')
  if (proxy === undefined) throw new Error('there is no proxy')
  const proxyArgs = { argv: proxy.args, env: envOf(proxy), availableCpus: 2, ...common }
  const settings = parseProxySettings(proxyArgs)
  if (settings.kind !== 'run') throw new Error('the proxy would not run')
  const { drainSeconds, finishSeconds, controlSocket } = settings.settings
  const leaves = drainSeconds + finishSeconds
  if (graceSecondsOf(objects) < leaves + 10) throw new Error(`leaving takes ${leaves} s`)
  const controller = containers.find((container) => container.name === 'controller')
  if (controller === undefined) return `proxy, leaves in ${leaves} s`
  const controllerArgs = { argv: controller.args, env: envOf(controller), ...common }
  const controllerSettings = parseControllerSettings(controllerArgs)
  if (controllerSettings.kind !== 'run') throw new Error('the controller would not run')
  const other = controllerSettings.settings
  equal(other.controlSocket, controlSocket, 'both use one control socket')
  const { listen, listenTls } = settings.settings
  const served = [listen.port, listenTls?.port]
  if (!served.includes(other.targetPort)) {
    throw new Error(`targets have port ${other.targetPort}, which is not served`)
  }
  equal(other.proxyAdminPort, settings.settings.admin.port, 'the admin port is where it is asked')
  for (const key of ['ingressClass', 'controllerClass', 'watchIngressWithoutClass'] as const) {
    equal(String(other[key]), String(settings.settings[key]), `${key} is the same`)
  }
  if (!isLabelled(objects, other.proxySelector ?? ''))
    throw new Error('the selector finds no proxy')
  return `proxy and controller, leaves in ${leaves} s`
}

function envOf({ env }: RenderedContainer): Record<string, string> {
  return Object.fromEntries(env.map(({ name, value }) => [name, value ?? 'from-a-field']))
}

function configText(objects: readonly KubeObject[], file: string): string {
  for (const object of objects) {
    if (object.kind === 'ConfigMap' && 'data' in object) {
      const text = Object.entries(object.data ?? {}).find(([name]) => name === file)?.[1]
      if (typeof text === 'string') return text
    }
  }
  throw new Error(`no ConfigMap has ${file}`)
}

function unitTests(): string {
  const output = succeed('helm-unittest', ['--strict', chart])
  match(output, /Tests:\s+[1-9]\d* passed, [1-9]\d* total/)
  return /Tests:\s+(.*)/.exec(output)?.[1] ?? ''
}

function overlay(name: string): string {
  const helm = findTool('helm') ?? 'helm'
  const answer = renderChart({
    helm,
    namespace: plain.namespace,
    valueFiles: [join(chart, 'ci', `${name}.yaml`)],
    sets: [`image.repository=${plain.image}`],
    noHooks: true,
  })
  if (!answer.ok) throw new Error(answer.error)
  const built = succeed('kustomize', ['build', join(manifestsFolder, 'overlays', name)])
  const ours = parseObjects(built).filter(({ kind }) => kind !== 'Namespace')
  equal(comparable(ours), comparable(parseObjects(answer.manifests)))
  return `${ours.length} objects`
}

/** As text in a fixed order, without the labels that only Helm sets. */
function comparable(objects: readonly KubeObject[]): string {
  return objects
    .map((object) => JSON.stringify(sorted(object)))
    .sort()
    .join('\n')
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .filter(([key]) => key !== 'helm.sh/chart' && key !== 'app.kubernetes.io/managed-by')
    .map(([key, inner]): [string, unknown] => [key, sorted(inner)])
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function terraformFormat(): string {
  const folder = join(root, 'deploy/terraform')
  const files = readdirSync(folder).filter((file) => file.endsWith('.tf'))
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8')
    equal(runTool('hclfmt', [], text).stdout, text, `${file} is formatted`)
  }
  return `${files.length} files`
}

/** Terraform puts the real target group in place of the one that the policy names. */
function terraformPolicy(): undefined {
  const [, placeholder = ''] = /any_group = "(.+)"/.exec(readText('deploy/terraform/iam.tf')) ?? []
  const { Statement: statements } = JSON.parse(readText('deploy/iam/target-group.json'))
  equal(statements.at(-1).Resource, placeholder)
}

function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

const helmOnly = ['helm']

/** All checks in the order in which they run. */
export const checks: readonly Check[] = [
  ...names.map((name) => ({
    name: `helm lint: ${name}`,
    needs: helmOnly,
    run: () => lint(name),
  })),
  ...refusals.map((refusal) => ({
    name: `refuses ${refusal.why}`,
    needs: helmOnly,
    run: () => refuse(refusal),
  })),
  ...names.map((name) => ({
    name: `the API knows every field: ${name}`,
    needs: ['helm', 'kubeconform', 'go'],
    run: (folder: string) => conform(combination(name), folder),
  })),
  {
    name: 'the same check finds what is wrong',
    needs: ['helm', 'kubeconform', 'go'],
    run: findFaults,
  },
  ...names.map((name) => ({
    name: `the programs take their options: ${name}`,
    needs: helmOnly,
    run: () => parse(name),
  })),
  { name: 'helm-unittest', needs: ['helm-unittest'], run: unitTests },
  {
    name: 'deploy/kubernetes is what the chart gives (npm run manifests)',
    needs: helmOnly,
    run: () => {
      equal(outdatedManifests(findTool('helm') ?? 'helm').join(' '), '')
      return undefined
    },
  },
  ...overlays.map(({ name }) => ({
    name: `overlay ${name} is the chart's ${name}`,
    needs: ['helm', 'kustomize'],
    run: () => overlay(name),
  })),
  { name: 'deploy/terraform is formatted', needs: ['hclfmt'], run: terraformFormat },
  { name: 'deploy/terraform narrows the policy of deploy/iam', needs: [], run: terraformPolicy },
]
