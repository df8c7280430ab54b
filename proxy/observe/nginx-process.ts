// What does ingress-nginx say of itself that its dashboards ask for? The same of the whole proxy, as text, when scraped.
//
// Their lists of controllers come from `config_hash`: without it every panel would be empty.
import type { Clock } from '../../shared/clock.ts'
import { connectionProtocols, type Family, families } from './families.ts'
import { exporterLabels, type NginxExporter, nginxProcessFamilies } from './nginx-families.ts'
import { helpText, labelText, seriesText } from './series-text.ts'
import type { SlotCollector } from './slot-collector.ts'

/** What the text is made of. */
export interface NginxProcessOptions {
  readonly exporter: NginxExporter
  readonly slots: Pick<SlotCollector, 'total'>
  readonly clock: Pick<Clock, 'wallNow'>
  /** CPU of the process in µs, memory in bytes. */
  readonly usage: () => { readonly cpuMicros: number; readonly residentBytes: number }
}

/** Says what the whole proxy is doing, in ingress-nginx's words. */
export class NginxProcess {
  readonly #options: NginxProcessOptions
  #tables = 0
  #changedAtMs = 0

  constructor(options: NginxProcessOptions) {
    this.#options = options
  }

  /** Another table is served. */
  noteTable(): void {
    this.#tables += 1
    this.#changedAtMs = this.#options.clock.wallNow()
  }

  /** Renders all families in Prometheus's text format. */
  *pieces(): Iterable<string> {
    const { exporter, usage } = this.#options
    const { cpuMicros, residentBytes } = usage()
    const all = exporterLabels(exporter)
    const { configHash, reloadSuccessful, reloadTime, reloads, reloadErrors } = nginxProcessFamilies
    const { connections, cpu, resident } = nginxProcessFamilies
    const states = Object.entries(this.#connections()).map(
      ([state, count]) => [`${all},${labelText({ state })}`, count] as const,
    )
    yield [
      familyText(configHash, [[all, this.#tables]]),
      familyText(reloadSuccessful, [[all, this.#tables > 0 ? 1 : 0]]),
      familyText(reloadTime, [[all, this.#changedAtMs / 1000]]),
      familyText(reloads, [[all, this.#tables]]),
      familyText(reloadErrors, [[all, 0]]),
      familyText(connections, states),
      familyText(cpu, [[all, cpuMicros / 1e6]]),
      familyText(resident, [[all, residentBytes]]),
    ].join('')
  }

  #connections(): Readonly<Record<string, number>> {
    const { slots } = this.#options
    const count = (state: string) =>
      Object.values(connectionProtocols).reduce(
        (sum, protocol) => sum + slots.total(families.connections, { protocol, state }),
        0,
      )
    const writing = count('active') + count('tunnel')
    const waiting = count('idle')
    return { active: writing + waiting, reading: 0, writing, waiting }
  }
}

function familyText(family: Family, series: readonly (readonly [string, number])[]): string {
  const head = `# HELP ${family.name} ${helpText(family.help)}\n# TYPE ${family.name} ${family.kind}\n`
  return (
    head +
    series.map(([labels, value]) => seriesText(family, labels, Float64Array.of(value))).join('')
  )
}
