// The main panels of the proxy's dashboard as one SVG: the same file and the same queries as in Grafana, drawn without it.
// docs/dashboard.png: `npm run test:prometheus -- --seconds 150 --picture dashboard.svg`, then `rsvg-convert dashboard.svg`.
import { fillVariables, type Panel, readDashboard } from './dashboard.ts'
import { drawPanel, type Line, type TimeAxis, text, theme } from './svg-panel.ts'

/** Asks for a query's values over the time that is shown. */
export type Ask = (query: string) => Promise<
  readonly {
    readonly labels: Readonly<Record<string, string>>
    readonly points: Line['points']
  }[]
>

// What an operator looks at first; the dashboard has more.
const shown = [
  'Requests',
  '5xx',
  'p99 duration',
  'p99 in Weir itself',
  'Proxies',
  'Route problems',
  'Rate',
  'Errors: share of 5xx',
  'Duration, p99',
  'Requests by status',
  'Failures of Weir by code',
  'Upstream duration',
  'Proxies and drain',
  'Requests and tunnels of draining proxies',
  'Client connections',
  'CPU per request',
  'Worker time in use',
  'Event-loop delay of workers',
]
const columnPixels = 56
const rowPixels = 28
const gap = 8
const headPixels = 44

/** Draws them; rates are taken over `window`. */
export async function drawDashboard(ask: Ask, window: string, time: TimeAxis): Promise<string> {
  const { title, panels } = readDashboard('proxy')
  const chosen = shown.map((name) => {
    const panel = panels.find((candidate) => candidate.title === name)
    if (panel === undefined) throw new Error(`the dashboard has no panel ${name}`)
    return panel
  })
  let [column, y, rowHeight] = [0, headPixels, 0]
  const drawn: string[] = []
  for (const panel of chosen) {
    if (column + panel.width > 24) {
      column = 0
      y += rowHeight
      rowHeight = 0
    }
    const height = panel.height * rowPixels
    const box = {
      x: column * columnPixels + gap,
      y,
      width: panel.width * columnPixels - gap,
      height: height - gap,
    }
    drawn.push(drawPanel(panel, await readLines(panel, ask, window), box, time))
    column += panel.width
    rowHeight = Math.max(rowHeight, height)
  }
  const [width, height] = [24 * columnPixels + gap, y + rowHeight]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif"><rect width="100%" height="100%" fill="${theme.page}"/>${text(title, 14, 29, 19, theme.text, 'font-weight="600"')}${drawn.join('')}</svg>\n`
}

async function readLines(panel: Panel, ask: Ask, window: string): Promise<Line[]> {
  const lines: Line[] = []
  for (const { expr, legend } of panel.queries) {
    for (const { labels, points } of await ask(fillVariables(expr, window))) {
      const name = legend.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? '')
      lines.push({ name, points })
    }
  }
  return lines
}
