// Which limits of a worker can change while it runs? Those of options that objects may say otherwise (ServingRules).
//
// Invariant: one object for the life of the worker, that connections and pools look at each time: a change counts at once.
import type { ServingRules } from '../../shared/routing/serving-rules.ts'
import type { ProxySettings } from '../settings.ts'

const tunable = [
  'keepAliveTimeoutMs',
  'headerTimeoutMs',
  'bodyIdleTimeoutMs',
  'upstreamIdleTimeoutMs',
] as const

/** The settings of a worker, of which some follow what objects say. */
export type Tuned = ProxySettings & { dropsUnderscores: boolean } & {
  -readonly [Name in (typeof tunable)[number]]: number
}

export class TunedSettings {
  readonly #settings: ProxySettings
  readonly current: Tuned

  constructor(settings: ProxySettings) {
    this.#settings = settings
    this.current = { ...settings, dropsUnderscores: settings.forwardedHeaders === 'nginx' }
  }

  apply(rules: ServingRules): void {
    for (const name of tunable) this.current[name] = rules[name] ?? this.#settings[name]
    this.current.dropsUnderscores =
      rules.dropsUnderscores ?? this.#settings.forwardedHeaders === 'nginx'
  }
}
