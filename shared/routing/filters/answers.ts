// Which requests does Weir answer itself instead of forwarding them, and with what (nginx's return and rewrite)?
//
// Invariant: a Location is visible ASCII only: a redirect cannot be used to split a response.
// Invariant: no spelling of a path walks past a block that means it (`//metrics`, `/%40me`).
// Invariant: who is sent away by a rule of addresses gets 403 whatever else the block says, unless it says another answer first.
import { readAsNginx } from '../path.ts'
import { compileFind, type Find } from '../pattern.ts'
import { compileText, faultOfText, type MakeText, type RequestText } from '../request-text.ts'
import { type AccessRule, compileAccess, faultOfAccessRule } from './access-rules.ts'
import type { Filter, FilterKind, RequestView, Verdict } from './kind.ts'
import { percentEncode } from './redirect.ts'

/** Closes the connection instead of answering (nginx's status for it). */
export const dropStatus = 444

/** One answer. */
export interface AnswerStep {
  /** Only where this matches the path, anywhere in it; its groups may be parts of `location`. Absent: always. */
  readonly pattern?: string
  /** 200 to 599, or 444: the connection is closed without an answer. */
  readonly status: number
  /** A URL, or a path of the same host. */
  readonly location?: RequestText
  /** The query of the request goes along in `location`. */
  readonly keepsQuery?: true
  readonly body?: RequestText
}

/** Answers for one part of the paths, or for all. */
export interface AnswerBlock {
  /** Absent: all paths, and those that no step answers go on. Else those are 404: there is nothing behind them. */
  readonly path?: {
    readonly is: 'exact' | 'prefix' | 'pattern'
    readonly text: string
  }
  readonly steps: readonly AnswerStep[]
  readonly access: readonly AccessRule[]
  /** Literal fields of its answers, names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

/** The first block that has an answer gives it. */
export interface AnswersFilter extends Filter {
  readonly kind: 'answers'
  readonly blocks: readonly AnswerBlock[]
}

export const answersKind: FilterKind<AnswersFilter> = {
  kind: 'answers',
  isGuard: true,
  fault: ({ blocks }) => blocks.map(faultOfBlock).find((fault) => fault !== undefined),
  compile(filter) {
    const blocks = filter.blocks.map(compileBlock)
    return {
      request: {
        kind: 'sync',
        decide(request) {
          for (const block of blocks) {
            const verdict = block(request)
            if (verdict !== undefined) return verdict
          }
          return undefined
        },
      },
    }
  },
}

function faultOfBlock({ path, steps, access }: AnswerBlock): string | undefined {
  const patterns = steps.flatMap(({ pattern }) => pattern ?? [])
  if (path?.is === 'pattern') patterns.push(path.text)
  for (const pattern of patterns) {
    const result = compileFind(pattern)
    if (!result.ok) return `the pattern ${pattern} cannot be used: ${result.reason}`
  }
  for (const { status, location, body } of steps) {
    if (!(status >= 200 && status <= 599)) return `the status ${status} is not one of 200 to 599`
    const fault = faultOfText([...(location ?? []), ...(body ?? [])])
    if (fault !== undefined) return fault
  }
  return access.map(faultOfAccessRule).find((fault) => fault !== undefined)
}

function compileBlock({ path, steps, access, fields }: AnswerBlock) {
  const means = path && compilePath(path)
  const compiled = steps.map((step) => compileStep(step, fields))
  const isAllowed = access.length === 0 ? undefined : compileAccess(access)
  return (request: RequestView): Verdict => {
    if (means?.(readAsNginx(request.path)) === false) return undefined
    for (const step of compiled) {
      const answer = step(request)
      if (answer !== undefined) return answer
    }
    if (isAllowed?.(request.clientAddress) === false) return 'access-denied'
    return means === undefined ? undefined : 'no-route'
  }
}

function compilePath({ is, text }: NonNullable<AnswerBlock['path']>): (path: string) => boolean {
  if (is === 'exact') return (path) => path === text
  if (is === 'prefix') return (path) => path.startsWith(text)
  const find = findOf(text)
  return (path) => find(path) !== undefined
}

const always: Find = () => []

function findOf(pattern: string): Find {
  const result = compileFind(pattern)
  if (!result.ok) throw new Error(result.reason)
  return result.find
}

function compileStep(
  { pattern, status, location, keepsQuery, body }: AnswerStep,
  fields: AnswerBlock['fields'],
) {
  const find = pattern === undefined ? always : findOf(pattern)
  const locationText = location && compileText(location)
  const bodyText = body && compileText(body)
  const typed = fields.some(([name]) => name === 'content-type')
  const plain: readonly [string, string][] = typed ? [] : [['content-type', 'text/html']]
  return (request: RequestView): Verdict => {
    const groups = find(request.path)
    if (groups === undefined) return undefined
    if (locationText !== undefined) {
      // An HTTP/1.0 client may name no host: there is nowhere to send it.
      if (request.authority === '') return 'malformed-request'
      const to = locationFor(request, locationText, groups, keepsQuery === true)
      const headers = [...fields, ['location', to] as const, ...plain]
      return { status, code: 'redirect', headers, body: `${status} redirect\n` }
    }
    const made =
      bodyText?.(request) ?? (status >= 400 && status !== dropStatus ? `${status}\n` : '')
    return { status, code: 'answered', headers: [...fields, ...plain], body: made }
  }
}

function locationFor(
  request: RequestView,
  text: MakeText,
  groups: readonly string[],
  keepsQuery: boolean,
): string {
  let to = text(request, groups)
  // nginx: a `?` at the end says that the query of the request stays behind.
  if (keepsQuery && to.endsWith('?')) to = to.slice(0, -1)
  else if (keepsQuery && request.query.length > 1) {
    to += (to.includes('?') ? '&' : '?') + request.query.slice(1)
  }
  // A group may be all that a location begins with: what is no URL is a path of the same host.
  const absolute = /^https?:\/\//i.test(to)
    ? to
    : `${request.scheme}://${request.authority}${to.startsWith('/') ? '' : '/'}${to}`
  return percentEncode(absolute)
}
