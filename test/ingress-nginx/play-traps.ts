// A trap is what surprises who comes from ingress-nginx: some Ingresses, what is asked, and what must come back. All traps without
// a ConfigMap share a proxy; their hosts keep them apart.
import type { Test } from 'tap'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { type Exchange, faultsOf } from './exchange.ts'
import { type SiteSketch, siteOf } from './site.ts'
import { type Stage, startStage } from './stage.ts'

/** One row. */
export interface Trap {
  /** The trap in words: the name of the test. */
  readonly trap: string
  readonly sites: readonly SiteSketch[]
  readonly objects?: readonly KubeObject[]
  /** ingress-nginx's ConfigMap: such a trap has a proxy of its own. */
  readonly config?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
  readonly exchanges: readonly (Exchange & { readonly why: string })[]
  /** What no single exchange shows. */
  readonly also?: (t: Test, stage: Stage) => Promise<void>
}

/** Plays all traps against the real program. */
export async function playTraps(
  t: Test,
  services: readonly string[],
  traps: readonly Trap[],
): Promise<void> {
  const byNeed = Map.groupBy(traps, ({ config, flags }) => JSON.stringify([config, flags]))
  for (const group of byNeed.values()) {
    const { config, flags } = group[0] ?? {}
    const objects = group.flatMap((trap) => [...trap.sites.map(siteOf), ...(trap.objects ?? [])])
    const stage = await startStage(t, {
      ...{ objects, services },
      ...(config === undefined ? {} : { config }),
      ...(flags === undefined ? {} : { flags }),
    })
    for (const { trap, exchanges, also } of group) {
      await t.test(trap, async (t) => {
        for (const exchange of exchanges) {
          t.same(await faultsOf(stage, exchange), [], `${exchange.url}: ${exchange.why}`)
        }
        await also?.(t, stage)
      })
    }
  }
}
