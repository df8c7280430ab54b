// A strict reader of Prometheus's text format 0.0.4, for tests: it throws at the first line that a scraper could refuse.
// https://prometheus.io/docs/instrumenting/exposition_formats/

/** One sample line. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** One family: its HELP, TYPE and samples. */
export interface ExposedFamily {
  readonly name: string
  help: string
  type: string
  readonly samples: Sample[]
}

const nameForm = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const labelForm = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/
const suffixes = ['_bucket', '_sum', '_count']

/** Reads a whole exposition and checks HELP, TYPE, names, labels, duplicates and the shape of histograms. */
export function parseExposition(text: string): Map<string, ExposedFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no line feed')
  const families = new Map<string, ExposedFamily>()
  const seen = new Set<string>()
  let current: ExposedFamily | undefined
  for (const line of text.split('\n')) {
    if (line === '') continue
    if (line.startsWith('#')) {
      current = readComment(line, families, current)
      continue
    }
    const sample = parseSample(line)
    if (current === undefined || current.type === '' || current.help === '') {
      throw new Error(`a sample before its HELP and TYPE: ${line}`)
    }
    if (!belongs(sample.name, current)) throw new Error(`${line} is not of ${current.name}`)
    const identity = sample.name + keyOf(sample.labels)
    if (seen.has(identity)) throw new Error(`twice: ${line}`)
    seen.add(identity)
    current.samples.push(sample)
  }
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family)
  return families
}

/** Finds the value of the sample with exactly these labels; undefined without one. */
export function sampleValue(
  families: Map<string, ExposedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''))
  const wanted = keyOf(labels)
  return family?.samples.find((sample) => sample.name === name && keyOf(sample.labels) === wanted)
    ?.value
}

/** Takes a HELP or TYPE line into its family, which must be the current one or new. */
function readComment(
  line: string,
  families: Map<string, ExposedFamily>,
  current: ExposedFamily | undefined,
): ExposedFamily {
  const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
  if (kind === undefined) throw new Error(`unexpected comment: ${line}`)
  let family = current
  if (family?.name !== name) {
    if (families.has(name)) throw new Error(`${name} is not in one block`)
    if (!nameForm.test(name)) throw new Error(`not a metric name: ${name}`)
    family = { name, help: '', type: '', samples: [] }
    families.set(name, family)
  }
  if (kind === 'HELP') family.help = rest
  else family.type = rest
  return family
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort())
}

function belongs(name: string, family: ExposedFamily): boolean {
  if (family.type !== 'histogram') return name === family.name
  return suffixes.some((suffix) => name === family.name + suffix)
}

function parseSample(line: string): Sample {
  const match = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/.exec(line)
  if (match === null) throw new Error(`not a sample: ${line}`)
  const [, name = '', labelText = '', number = ''] = match
  if (!nameForm.test(name)) throw new Error(`not a metric name: ${line}`)
  const labels: Record<string, string> = {}
  for (let rest = labelText; rest !== ''; ) {
    const label = labelForm.exec(rest)
    if (label === null) throw new Error(`not a label: ${line}`)
    const [whole, key = '', value = ''] = label
    if (key in labels) throw new Error(`a label twice: ${line}`)
    labels[key] = value.replace(/\\(.)/g, (_, character) => (character === 'n' ? '\n' : character))
    rest = rest.slice(whole.length)
  }
  return { name, labels, value: parseNumber(number, line) }
}

function parseNumber(text: string, line: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  // Scrapers read it in any case (Go's ParseFloat), and prom-client writes Nan.
  if (text.toLowerCase() === 'nan') return Number.NaN
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw new Error(`not a number: ${line}`)
  return Number(text)
}

/** Each series: buckets ascending and cumulative, +Inf last and equal to the count, one sum, one count. */
function checkHistogram(family: ExposedFamily): void {
  const bySeries = new Map<string, Sample[]>()
  for (const sample of family.samples) {
    const { le: _, ...labels } = sample.labels
    const key = keyOf(labels)
    const list = bySeries.get(key) ?? []
    list.push(sample)
    bySeries.set(key, list)
  }
  for (const [key, samples] of bySeries) checkSeries(family.name, `${family.name}${key}`, samples)
}

function checkSeries(name: string, where: string, samples: readonly Sample[]): void {
  let bound = Number.NEGATIVE_INFINITY
  let count = 0
  for (const { labels, value } of samples.filter((sample) => sample.name === `${name}_bucket`)) {
    const next = parseNumber(labels.le ?? '', where)
    if (next <= bound) throw new Error(`${where}: le does not ascend`)
    if (value < count) throw new Error(`${where}: buckets are not cumulative`)
    bound = next
    count = value
  }
  if (bound !== Number.POSITIVE_INFINITY) throw new Error(`${where}: no +Inf bucket`)
  const counts = samples.filter((sample) => sample.name === `${name}_count`)
  const sums = samples.filter((sample) => sample.name === `${name}_sum`)
  if (counts.length !== 1 || sums.length !== 1) throw new Error(`${where}: one sum and one count`)
  if (counts[0]?.value !== count) throw new Error(`${where}: the count is not that of +Inf`)
}
