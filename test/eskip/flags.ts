// With which options is Weir started for the flags of Skipper in a case, and what does a case need that Weir does not have?
import { tmpdir } from 'node:os'
import type { EskipCase } from './case.ts'

/** What the stage has that options name. */
export interface Surroundings {
  /** URL of the store. */
  readonly store: string
}

type Options = (value: string, surroundings: Surroundings) => readonly string[]

// A flag without a row is one that Weir has nothing for.
const options: Readonly<Record<string, Options>> = {
  '-enable-swarm': () => [],
  '-swarm-redis-urls': (address, { store }) => [
    '--valkey',
    // Recorded with a store that cannot be reached, or with one at its usual place.
    address.endsWith(':1') ? `redis://${address}` : store,
  ],
  '-kubernetes-topology-zone': (zone) => ['--zone', zone],
  '-kubernetes-https-redirect': (on) => [`--https-redirect=${on}`],
  '-oauth2-tokeninfo-url': (url) => ['--tokeninfo-url', url],
  '-ignore-trailing-slash': () => ['--ignore-trailing-slash'],
  // Weir's breakers work wherever a route asks for one.
  '-enable-breakers': () => [],
}

const common = [
  ...['--like', 'skipper', '--access-log', 'off', '--allow-diagnostic-filters'],
  ...['--auth-files', tmpdir()],
]

/** Weir's options for cases that have the same flags. */
export function optionsOf(cases: readonly EskipCase[], around: Surroundings): string[] {
  const [{ flags = [], trustedProxies } = {}] = cases
  // Addresses of this machine are asked where they are named.
  const origins = cases.flatMap(({ backends }) =>
    backends.map(({ address, port }) => `http://${address}:${port}`),
  )
  const named = ['any', ...new Set(origins)].join(',')
  const asked = ['--auth-urls', named, '--backend-urls', named]
  const trust =
    trustedProxies === undefined
      ? []
      : ['--trusted-proxies', trustedProxies, '--trusted-fields', 'all']
  // As the cases were recorded, which Skipper does not do by itself.
  const isSaid = flags.some((flag) => flag.startsWith('-kubernetes-https-redirect'))
  const all = isSaid ? flags : [...flags, '-kubernetes-https-redirect=false']
  const own = all.map(parted).flatMap(([name, value]) => options[name]?.(value, around) ?? [])
  return [...common, ...asked, ...trust, ...own]
}

/** What Weir lacks for a case, in a sentence; undefined when it can be played. */
export function lackOf({ flags }: EskipCase): string | undefined {
  const unknown = flags.find((flag) => options[parted(flag)[0]] === undefined)
  return unknown === undefined ? undefined : `Weir has no option for ${unknown}.`
}

function parted(flag: string): [name: string, value: string] {
  const [name = '', ...value] = flag.split('=')
  return [name, value.join('=')]
}
