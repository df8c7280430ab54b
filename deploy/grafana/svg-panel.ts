// One panel as SVG: lines or stacked areas over time with axis and legend, or one big number.
import type { Panel } from './dashboard.ts'
import { axisSteps, formatValue } from './units.ts'

/** One line of a panel: times in seconds, rising. */
export interface Line {
  readonly name: string
  readonly points: readonly (readonly [seconds: number, value: number])[]
}

/** Where a panel goes, in pixels. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export const theme = {
  page: '#111217',
  panel: '#181b1f',
  edge: '#2c3038',
  grid: '#2a2e36',
  text: '#d5d8de',
  faint: '#9aa0ab',
}
// Told apart by people who see red and green alike (Okabe and Ito), then lighter shades of the same.
const colours = [
  '#56b4e9',
  '#e69f00',
  '#009e73',
  '#f0e442',
  '#cc79a7',
  '#d55e00',
  '#0072b2',
  '#b8d8f2',
  '#f5d08a',
  '#7fd6bd',
]
const mostLines = 10
const margin = { left: 62, right: 12, top: 34, legend: 40, time: 18 }

/** What all panels of a picture have in common: the time that they show, in seconds. */
export interface TimeAxis {
  readonly from: number
  readonly to: number
}

/** Draws a panel. */
export function drawPanel(panel: Panel, lines: readonly Line[], box: Box, time: TimeAxis): string {
  const { x, y, width, height } = box
  const frame = `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="3" fill="${theme.panel}" stroke="${theme.edge}"/>`
  const title = text(panel.title, x + 10, y + 20, 13, theme.text, 'font-weight="600"')
  const inside =
    panel.kind === 'stat' ? drawStat(panel, lines, box) : drawSeries(panel, lines, box, time)
  return `${frame}${title}${inside}`
}

/** Writes a line of text; `more` are further attributes. */
export function text(
  words: string,
  x: number,
  y: number,
  size: number,
  colour: string,
  more = '',
): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" fill="${colour}" ${more}>${safe}</text>`
}

function drawStat(panel: Panel, lines: readonly Line[], box: Box): string {
  const last = lines[0]?.points.at(-1)?.[1] ?? Number.NaN
  const words = formatValue(last, panel.unit)
  const middle = box.x + box.width / 2
  return text(words, middle, box.y + box.height - 24, 28, '#73bf69', 'text-anchor="middle"')
}

function drawSeries(panel: Panel, given: readonly Line[], box: Box, time: TimeAxis): string {
  const lines = panel.isStacked ? stack(biggest(given)) : biggest(given)
  const plot = {
    x: box.x + margin.left,
    y: box.y + margin.top,
    width: box.width - margin.left - margin.right,
    height: box.height - margin.top - margin.legend - margin.time,
  }
  const { from, to } = time
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value))
  const steps = axisSteps(Math.max(0, ...values), panel.unit)
  const top = steps.at(-1) ?? 1
  const toX = (at: number) => plot.x + ((at - from) / Math.max(1, to - from)) * plot.width
  const toY = (value: number) => plot.y + plot.height * (1 - Math.max(0, value) / top)

  const grid = steps.map((step) => {
    const label = text(
      formatValue(step, panel.unit),
      plot.x - 6,
      toY(step) + 4,
      10,
      theme.faint,
      end,
    )
    return `<path d="M${plot.x} ${round(toY(step))}h${plot.width}" stroke="${theme.grid}"/>${label}`
  })
  const times = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = from + (to - from) * part
    const y = plot.y + plot.height + 14
    return text(clock(at - from), toX(at), y, 10, theme.faint, 'text-anchor="middle"')
  })
  // Areas of many lines would only hide each other.
  const opacity = panel.isStacked ? 1 : lines.length > 3 ? 0 : 0.08
  // The topmost of a stack is drawn first, so that each layer shows its own share.
  const drawn = lines.map(({ points }, at) => {
    const colour = colours[at % colours.length]
    const parts = unbroken(points).map((part) => {
      const path = `M${part.map(([s, v]) => `${round(toX(s))} ${round(toY(v))}`).join('L')}`
      const [first, last] = [part[0]?.[0] ?? from, part.at(-1)?.[0] ?? to]
      const floor = `L${round(toX(last))} ${toY(0)}L${round(toX(first))} ${toY(0)}Z`
      const area = `<path d="${path}${floor}" fill="${colour}" fill-opacity="${opacity}"/>`
      const line = `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.4"/>`
      return panel.isStacked ? area : area + line
    })
    return parts.join('')
  })
  if (panel.isStacked) drawn.reverse()
  return `${grid.join('')}${times.join('')}${drawn.join('')}${legend(lines, box)}`
}

const end = 'text-anchor="end"'

/** Those that reach highest, in the order they came. */
function biggest(lines: readonly Line[]): readonly Line[] {
  const whole = lines.map(({ name, points }) => ({
    name,
    points: points.filter(([, value]) => Number.isFinite(value)),
  }))
  const height = ({ points }: Line) => Math.max(...points.map(([, value]) => value))
  const chosen = new Set(whole.toSorted((a, b) => height(b) - height(a)).slice(0, mostLines))
  return whole.filter((line) => chosen.has(line) && line.points.length > 0)
}

/** Cuts a line where values are missing. */
function unbroken(points: Line['points']): Line['points'][] {
  const steps = points.slice(1).map(([at], before) => at - (points[before]?.[0] ?? at))
  const step = Math.min(...steps)
  const parts: (readonly [number, number])[][] = []
  for (const [at, point] of points.entries()) {
    const isFirst = at === 0 || (steps[at - 1] ?? 0) > 1.5 * step
    if (isFirst) parts.push([point])
    else parts.at(-1)?.push(point)
  }
  return parts
}

function stack(lines: readonly Line[]): readonly Line[] {
  const sums = new Map<number, number>()
  const moments = [...new Set(lines.flatMap(({ points }) => points.map(([at]) => at)))].sort(
    (a, b) => a - b,
  )
  return lines.map(({ name, points }) => {
    const own = new Map(points)
    return {
      name,
      points: moments.map((at) => {
        const sum = (sums.get(at) ?? 0) + (own.get(at) ?? 0)
        sums.set(at, sum)
        return [at, sum] as const
      }),
    }
  })
}

function legend(lines: readonly Line[], box: Box): string {
  let x = box.x + 12
  let y = box.y + box.height - margin.legend + 18
  let drawn = ''
  for (const [at, { name }] of lines.entries()) {
    const width = 18 + name.length * 6.2
    if (x + width > box.x + box.width - 8 && x > box.x + 12) {
      x = box.x + 12
      y += 15
    }
    if (y > box.y + box.height - 4) break
    drawn += `<rect x="${round(x)}" y="${y - 8}" width="10" height="4" fill="${colours[at % colours.length]}"/>`
    drawn += text(name, x + 14, y - 2, 10.5, theme.text)
    x += width + 8
  }
  return drawn
}

function clock(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
