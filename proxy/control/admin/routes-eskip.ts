// What `/routes?eskip` shows: the table that is being served, in Skipper's language. What has no word there is a comment.
//
// Invariant: whatever the table holds, what is written is eskip: a comment never goes beyond its line.
// Invariant: a piece holds one host, so that a large table never blocks the thread that also feeds the workers.
import { formatHostPort } from '../../../shared/host-port.ts'
import type { ForwardBackend } from '../../../shared/routing/backend.ts'
import type { Condition, TextCondition } from '../../../shared/routing/conditions/condition.ts'
import type { Arg, EskipBackend } from '../../../shared/routing/eskip/language.ts'
import { printBackend, printCall } from '../../../shared/routing/eskip/print.ts'
import { entriesOf, getEntry, type ShardedMap } from '../../../shared/routing/sharded-map.ts'
import {
  everyHost,
  type Match,
  type Route,
  type RouteTable,
  type Upstream,
} from '../../../shared/routing/table.ts'

type Word = readonly [name: string, ...args: Arg[]]

const nowhere = { line: 1, column: 1 }

/** Writes the routes of a table, host by host; `host` narrows it to one. */
export function* routesEskip(table: RouteTable, host: string | undefined): Generator<string> {
  const names =
    host === undefined ? [...entriesOf(table.hosts)].map(([name]) => name).sort() : [host]
  let count = 0
  for (const name of names) {
    let piece = ''
    for (const route of getEntry(table.hosts, name.toLowerCase()) ?? []) {
      count += 1
      piece += routeText(`r${count}`, route, table.upstreams)
    }
    yield piece
  }
}

function routeText(id: string, route: Route, upstreams: ShardedMap<Upstream>): string {
  const { owner, match, filters, backend } = route
  const comments: string[] = []
  const words: Word[] = [...hostWords(match.host), ...pathWords(match)]
  for (const condition of match.conditions) {
    const word = wordOf(condition)
    if (word === undefined) comments.push(`predicate ${JSON.stringify(condition)}`)
    else words.push(word)
  }
  for (const filter of filters) comments.push(`filter ${JSON.stringify(filter)}`)
  const parts: string[] = []
  let target: EskipBackend = { kind: 'shunt', at: nowhere }
  if (backend.kind === 'forward') {
    target = targetOf(backend, upstreams)
    const { choices, kind: _, ...terms } = backend
    if (choices.length > 1) comments.push(`shares ${JSON.stringify(choices)}`)
    if (Object.keys(terms).length > 0) comments.push(`backend ${JSON.stringify(terms)}`)
  } else if (backend.kind === 'closed') {
    parts.push(callText(['status', 503]))
    comments.push(`closed ${JSON.stringify(backend.reason)}`)
  } else comments.push(`answer ${JSON.stringify(backend.answer)}`)
  const predicates = words.length === 0 ? '*' : words.map(callText).join(' && ')
  const head = `// ${line(`${owner.kind} ${owner.namespace}/${owner.name}`)}\n${id}: ${predicates}\n`
  const notes = comments.map((comment) => `  // ${line(comment)}\n`).join('')
  return `${head}${notes}  -> ${[...parts, printBackend(target)].join(' -> ')};\n`
}

/** A comment ends with its line; no byte of somebody's text may end it before. */
function line(text: string): string {
  return text.replace(/[\r\n\u2028\u2029]/g, ' ')
}

function callText([name, ...args]: Word): string {
  return printCall({ name, args, at: nowhere })
}

function hostWords(host: string): readonly Word[] {
  if (host === '' || host === everyHost) return []
  const pattern = host.replaceAll('.', '[.]').replace(/^\*/, '[^.]+')
  return [['Host', { regexp: `^${pattern}$` }]]
}

function pathWords({ pathType, path }: Match): readonly Word[] {
  switch (pathType) {
    case 'Exact':
    case 'Pattern':
      return [['Path', path]]
    case 'Prefix':
    case 'PatternPrefix':
      return [['PathSubtree', path]]
    case 'Regex':
      return [['PathRegexp', { regexp: `(?i)^${path}` }]]
    case 'Any':
      return []
  }
}

function wordOf(condition: Condition): Word | undefined {
  switch (condition.kind) {
    case 'method':
      return ['Methods', ...condition.anyOf]
    case 'header':
    case 'query':
    case 'cookie':
      return textWord(condition)
    case 'source':
      return [condition.of === 'peer' ? 'ClientIP' : 'SourceFromLast', ...condition.networks]
    case 'host':
      return ['Host', { regexp: condition.pattern }]
    case 'path':
      return ['PathRegexp', { regexp: condition.pattern }]
    case 'share':
      return ['TrafficSegment', condition.from, condition.below]
    case 'never':
      return ['False']
    case 'chance':
    case 'cron':
    case 'draining':
    case 'hash':
    case 'length':
    case 'not':
    case 'time':
    case 'token':
      return undefined
  }
}

const textWords = {
  header: ['Header', 'HeaderRegexp'],
  query: ['', 'QueryParam'],
  cookie: ['', 'Cookie'],
} as const

function textWord({ kind, name, text }: TextCondition): Word | undefined {
  const [exact, regexp] = textWords[kind]
  if (text.kind === 'regex') return [regexp, name, { regexp: text.pattern }]
  if (text.kind === 'present') return kind === 'query' ? [regexp, name] : [regexp, name, '']
  if (exact !== '') return [exact, name, text.text]
  return [regexp, name, { regexp: `^${text.text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$` }]
}

const algorithms: Readonly<Record<string, string>> = {
  'least-requests': 'leastRequests',
  'peak-ewma': 'leastRequests',
  hash: 'consistentHash',
}

function targetOf(
  { choices, balance }: ForwardBackend,
  upstreams: ShardedMap<Upstream>,
): EskipBackend {
  const endpoints = choices.flatMap(({ upstream }) => addressesOf(getEntry(upstreams, upstream)))
  const [first, ...others] = endpoints
  // What has no endpoints serves nobody.
  if (first === undefined) return { kind: 'shunt', at: nowhere }
  if (others.length === 0) return { kind: 'network', address: first, at: nowhere }
  const algorithm = algorithms[balance?.kind ?? '']
  return { kind: 'lb', ...(algorithm === undefined ? {} : { algorithm }), endpoints, at: nowhere }
}

function addressesOf(upstream: Upstream | undefined): readonly string[] {
  if (upstream?.externalName !== undefined) {
    const { host, port, scheme = 'http' } = upstream.externalName
    return [`${scheme}://${formatHostPort(host, port)}`]
  }
  return (upstream?.endpoints ?? []).map(({ address, port, tls, serverName }) => {
    const scheme = (tls ?? serverName) === undefined ? 'http' : 'https'
    return `${scheme}://${formatHostPort(address, port)}`
  })
}
