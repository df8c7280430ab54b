// What is in a dashboard file that this project reads: its panels and their queries.
import { readFileSync } from 'node:fs'

/** One query of a panel. */
export interface PanelQuery {
  readonly expr: string
  /** Grafana's form: `{{label}}`. */
  readonly legend: string
}

/** One panel; places and sizes in Grafana's 24 columns. */
export interface Panel {
  readonly kind: 'stat' | 'timeseries'
  readonly title: string
  readonly description: string
  readonly unit: string
  readonly isStacked: boolean
  readonly width: number
  readonly height: number
  readonly queries: readonly PanelQuery[]
}

/** A dashboard. */
export interface Dashboard {
  readonly title: string
  readonly panels: readonly Panel[]
}

interface FilePanel {
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly w: number; readonly h: number }
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly custom?: { readonly stacking?: unknown } }
  }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

/** Reads `deploy/grafana/NAME.json`; throws when a panel is of a kind that nothing here can draw. */
export function readDashboard(name: 'proxy' | 'controller'): Dashboard {
  const text = readFileSync(new URL(`./${name}.json`, import.meta.url), 'utf8')
  // The project's own file; a panel without its fields fails below.
  const { title, panels } = JSON.parse(text) as {
    readonly title: string
    readonly panels: readonly FilePanel[]
  }
  return { title, panels: panels.filter(({ type }) => type !== 'row').map(readPanel) }
}

function readPanel(panel: FilePanel): Panel {
  const { type, title, description = '', gridPos, fieldConfig, targets = [] } = panel
  if (type !== 'stat' && type !== 'timeseries') throw new Error(`${title}: unknown kind ${type}`)
  return {
    kind: type,
    title,
    description,
    unit: fieldConfig?.defaults.unit ?? 'short',
    isStacked: fieldConfig?.defaults.custom?.stacking !== undefined,
    width: gridPos.w,
    height: gridPos.h,
    queries: targets.map(({ expr, legendFormat }) => ({ expr, legend: legendFormat })),
  }
}

/** Fills in Grafana's variables: everything is selected, rates are taken over `window`. */
export function fillVariables(expr: string, window: string): string {
  return expr
    .replaceAll('$__rate_interval', window)
    .replaceAll(/"\$(job|namespace|ingress|group)"/g, '".*"')
}
