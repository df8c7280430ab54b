// The Ingresses as public charts and guides write them: manifests/NAME.yaml, and beside it in NAME.json what each of them is worth under
// `--like ingress-nginx`.
import { readdirSync, readFileSync } from 'node:fs'
import type { Ingress } from '../../shared/kube/objects.ts'
import { parseYamlDocuments } from '../../shared/yaml.ts'
import type { ShownProblem } from '../support/ask.ts'
import type { Exchange, Fields } from './exchange.ts'

/**
 * What becomes of an Ingress: it behaves as with ingress-nginx; it is served, and what differs is said; or its routes answer 503, and
 * what to do instead is said.
 */
export type Verdict = 'same' | 'differs' | 'closed'

/** One Ingress with what is expected of it. */
export interface ManifestCase {
  /** `namespace/name`. */
  readonly id: string
  readonly file: string
  readonly ingress: Ingress
  readonly verdict: Verdict
  /** Of one that is not the same: what differs, and what to do; docs/ingress-nginx.md lists it. */
  readonly why?: string
  /** Part of what is said to its owner. */
  readonly says?: string
  /** The annotations about which its owner is told something, as ingress-nginx did in its log or should have. */
  readonly told: readonly string[]
  /** As ingress-nginx answers. */
  readonly exchanges: readonly Exchange[]
}

type JsonFields = Readonly<Record<string, string | null | { readonly match: string }>>

/** As the JSON has it: null for what is absent, `match` for a pattern. */
interface JsonExchange extends Omit<Exchange, 'back' | 'up' | 'asked'> {
  readonly back?: JsonFields
  readonly up?: JsonFields
  readonly asked?: Omit<NonNullable<Exchange['asked']>, 'fields'> & { readonly fields: JsonFields }
}

interface JsonCase
  extends Pick<ManifestCase, 'verdict' | 'says' | 'why'>,
    Partial<Pick<ManifestCase, 'told'>> {
  readonly exchanges: readonly JsonExchange[]
}

const folder = new URL('manifests/', import.meta.url)

/** Reads the whole set; a manifest without its expectation, or the other way round, is an error. */
export function readManifestSet(): readonly ManifestCase[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => {
      const { documents, errors } = parseYamlDocuments(readFileSync(new URL(file, folder), 'utf8'))
      if (errors.length > 0) throw new Error(`${file}: ${JSON.stringify(errors)}`)
      const ingresses: readonly Ingress[] = JSON.parse(JSON.stringify(documents))
      const expected: Readonly<Record<string, JsonCase>> = JSON.parse(
        readFileSync(new URL(file.replace('.yaml', '.json'), folder), 'utf8'),
      )
      const ids = ingresses.map(idOf)
      const lost = Object.keys(expected).find((id) => !ids.includes(id))
      if (lost !== undefined) throw new Error(`${file} has no ${lost}`)
      return ingresses.map((ingress, at) => {
        const id = ids[at] ?? ''
        const { exchanges, told, ...rest } = expected[id] ?? noCase(file, id)
        return {
          ...rest,
          id,
          file,
          ingress,
          told: [...(told ?? [])].sort(),
          exchanges: exchanges.map(readExchange),
        }
      })
    })
}

/** What is said of the Ingresses themselves: nobody has issued certificates for them. */
export function ofIngresses(problems: readonly ShownProblem[]): readonly ShownProblem[] {
  return problems.filter(
    ({ kind, reason }) => kind === 'Ingress' && !reason.startsWith('certificate-'),
  )
}

/** Judges an Ingress by what its owner is told. */
export function verdictOf(problems: readonly ShownProblem[]): Verdict {
  const messages = problems.map(({ message }) => message)
  if (messages.some((message) => message.includes('answer 503'))) return 'closed'
  return messages.some((message) => message.startsWith('Weir knows this annotation'))
    ? 'differs'
    : 'same'
}

function idOf({ metadata }: Ingress): string {
  return `${metadata?.namespace}/${metadata?.name}`
}

function noCase(file: string, id: string): never {
  throw new Error(`nothing is expected of ${id} in ${file}`)
}

function readExchange({ back, up, asked, ...exchange }: JsonExchange): Exchange {
  return {
    ...exchange,
    ...(back === undefined ? {} : { back: fieldsOf(back) }),
    ...(up === undefined ? {} : { up: fieldsOf(up) }),
    ...(asked === undefined ? {} : { asked: { ...asked, fields: fieldsOf(asked.fields) } }),
  }
}

function fieldsOf(fields: JsonFields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null ? new RegExp(value.match) : (value ?? undefined),
    ]),
  )
}

/** The keys that problems are about, those of ingress-nginx without their prefix, sorted. */
export function keysOf(problems: readonly Pick<ShownProblem, 'field'>[]): readonly string[] {
  return problems
    .map(({ field = '' }) => /^metadata\.annotations\["(.*)"\]$/.exec(field)?.[1] ?? field)
    .map((key) => key.replace('nginx.ingress.kubernetes.io/', ''))
    .sort()
}
