// Is what was seen inside the accepted outcomes of the case, and did every invariant hold? Pure.
// Readings are those of the cases' README: "forwarded" and "forwarded-normalised" are one observation,
// "+close" needs the close, a case that can only end by a timeout holds when nothing wrong happened until then.
import { bytesOf, type HostileCase } from './cases.ts'
import { type Message, valuesOf } from './grammar.ts'
import { differences, isUnder, pathOf, viewsOf } from './meaning.ts'
import { checkMust } from './musts.ts'
import type { Seen } from './seen.ts'
import { readStrictly, type StrictReader } from './strict.ts'

/** The judge's word on one run. */
export interface Verdict {
  /** Every class that fits what was seen; the first is the main one. */
  readonly outcomes: readonly string[]
  /** Empty when the run holds. */
  readonly problems: readonly string[]
  /** True when the outcome is the preferred one and nothing is wrong. */
  readonly preferred: boolean
}

const finalOf = (messages: readonly Message[]) =>
  messages.filter((message) => message.status >= 200 || message.status === 101)

const scriptCache = new Map<string, StrictReader>()

/** Reads what the backend's script says, as a strict client would. */
export function scriptMessages(hostile: HostileCase): StrictReader {
  const cached = scriptCache.get(hostile.id)
  if (cached !== undefined) return cached
  const parts = hostile.backendSends ?? []
  const reader = readStrictly(
    'response',
    bytesOf(parts),
    parts.some((part) => part.close === true),
  )
  scriptCache.set(hostile.id, reader)
  return reader
}

function requestOutcomes(seen: Seen): string[] {
  const [first, second] = finalOf(seen.responses)
  if (first === undefined) return noAnswer(seen)
  const outcomes: string[] = []
  if (first.status === 101) return ['101']
  if (valuesOf(first, 'x-echo').length > 0) {
    if (!first.complete) return seen.ended === 'open' ? ['pending'] : ['truncated', 'closed']
    if (first.status === 401) outcomes.push('401')
    outcomes.push('forwarded', 'forwarded-normalised')
    if (second?.status === 400 || seen.ended !== 'open') outcomes.push('forwarded+400')
    if (seen.ended !== 'open') outcomes.push('forwarded+close', 'forwarded-normalised+close')
  } else {
    outcomes.push(String(first.status))
    if (seen.requests.length === 0 && first.status < 400) outcomes.push('local-response')
  }
  return outcomes
}

function noAnswer(seen: Seen): string[] {
  // A SETTINGS frame: HTTP/2 was taken up.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a binary frame
  if (/^\0\0[\s\S]\x04\0\0\0\0\0/.test(seen.clientBytes)) return ['h2-served']
  if (seen.responseError !== undefined) return ['malformed']
  return [seen.ended === 'open' ? 'pending' : 'closed']
}

function lenientStatus(hostile: HostileCase): number {
  const text = bytesOf((hostile.backendSends ?? []).filter((part) => part.text !== undefined))
  return Number(/^HTTP\/\d\.\d (\d{3})/.exec(text)?.[1] ?? 0)
}

function incomplete(seen: Seen, first: Message, wanted: Message | undefined): string[] {
  if (seen.ended !== 'open') return ['truncated']
  // A backend that sends without end: what it sent is there.
  const allThere = wanted?.complete === false && wanted.bodyBytes === first.bodyBytes
  return [allThere ? 'forwarded' : 'pending']
}

function responseOutcomes(seen: Seen): string[] {
  const [first] = finalOf(seen.responses)
  if (first === undefined) return noAnswer(seen)
  if (first.status === 101) return ['101']
  const script = scriptMessages(seen.hostile)
  const [wanted] = finalOf(script.messages)
  if (seen.requests.filter((request) => !request.scripted).length > 0 && first.status === 200) {
    return first.complete ? ['retried'] : ['truncated']
  }
  const status = wanted?.status ?? lenientStatus(seen.hostile)
  if (first.status !== status) return [String(first.status)]
  if (!first.complete) return incomplete(seen, first, wanted)
  if (wanted?.complete === false) return ['completed-though-cut']
  const bodiless = first.status === 304 || first.status === 205
  if (wanted !== undefined && !bodiless && wanted.body !== first.body) return ['another-body']
  const outcomes = ['forwarded', 'forwarded-normalised']
  const closes = valuesOf(first, 'connection').some((value) => /\bclose\b/i.test(value))
  if (seen.ended !== 'open' || closes) outcomes.push('forwarded-normalised+close')
  return outcomes
}

function isAccepted(hostile: HostileCase, outcomes: readonly string[]): boolean {
  const { accept } = hostile.expect
  if (outcomes.some((outcome) => accept.includes(outcome))) return true
  const either =
    outcomes.includes('forwarded') && accept.some((one) => one === 'forwarded-normalised')
  return (
    either || (outcomes[0] === 'pending' && (accept.includes('closed') || accept.includes('408')))
  )
}

const forwards = (outcome: string) => outcome.startsWith('forwarded') || outcome === '101'

/** Rule 1: never more requests upstream than the strict grammar finds. */
function checkCount(seen: Seen, sent: readonly Message[], outcomes: readonly string[]): string[] {
  const lenient = seen.hostile.expect.accept.some(forwards) ? 1 : 0
  const retries = outcomes[0] === 'retried' ? 1 : 0
  const most = Math.max(sent.length, lenient) + retries
  if (seen.requests.length <= most) return []
  return [`${seen.requests.length} requests upstream, strictly ${most}`]
}

function checkMeaning(seen: Seen, sent: readonly Message[], outcomes: readonly string[]): string[] {
  if (seen.hostile.side === 'response') return []
  const found: string[] = []
  const mended = seen.hostile.expect.accept.some(forwards)
  for (const [index, request] of seen.requests.entries()) {
    const wanted = sent[index]
    if (wanted !== undefined) found.push(...differences(wanted, request.message, mended))
    else if (request.message.complete && !outcomes.some(forwards)) {
      found.push('a refused request was completed upstream')
    }
    found.push(...checkService(request.service, wanted ?? request.message))
  }
  return found
}

function checkService(service: string, message: Message): string[] {
  const host = valuesOf(message, 'host')[0]?.toLowerCase() ?? ''
  if (!/^a\.test\.?(:\d*)?$/.test(host)) return []
  if (service === 'b' || service === 'secret') return [`host a.test reached service ${service}`]
  const path = pathOf(message.target)
  if (!/^(\/[\w-]+)*\/?$/.test(path)) return []
  const wanted = ['public', 'admin'].find((name) => isUnder(path, `/${name}`)) ?? 'echo'
  return wanted === service ? [] : [`${path} reached service ${service}`]
}

/** What the /public rule handled must not lie elsewhere in any upstream's view. */
function checkViews(seen: Seen): string[] {
  return seen.requests
    .filter((request) => request.service === 'public')
    .flatMap((request) => viewsOf(request.message.target))
    .filter((view) => isUnder(view, '/admin') || !isUnder(view, '/public'))
    .map((view) => `/public handled what an upstream reads as ${view}`)
}

function checkUpstream(seen: Seen): string[] {
  const found: string[] = []
  for (const { message, error, closed } of seen.requests) {
    if (error !== undefined) found.push(`the upstream got no HTTP: ${error}`)
    if (message.chunkExtensions > 0) found.push('a chunk extension reached the upstream')
    if (!message.complete && !closed) found.push('an unfinished upstream connection was kept')
  }
  return found
}

/** After a refusal of framing the client's connection is closed. */
function checkClosed(seen: Seen, outcomes: readonly string[]): string[] {
  const { hostile } = seen
  if (hostile.side === 'response' || seen.ended !== 'open' || outcomes[0] === 'pending') return []
  if (outcomes.some(forwards)) return []
  const framing = hostile.category === 'FRAMING' || hostile.category === 'CHUNK'
  if (!framing && hostile.expect.clientConnectionAfter !== 'closed') return []
  return ['the client connection stayed open after a framing error']
}

/** Every pipelined request that was valid and served must be answered. */
function checkAnswers(seen: Seen, sent: readonly Message[], outcomes: readonly string[]): string[] {
  if (outcomes[0] !== 'forwarded' || seen.hostile.side === 'response') return []
  const finals = finalOf(seen.responses)
  const complete = sent.filter((message) => message.complete).length
  if (finals.length < complete) return [`${finals.length} answers to ${complete} requests`]
  return []
}

/** Judges one run. */
export function judge(seen: Seen): Verdict {
  const sent = seen.sentMessages
  const outcomes = seen.hostile.side === 'request' ? requestOutcomes(seen) : responseOutcomes(seen)
  const problems: string[] = []
  if (!isAccepted(seen.hostile, outcomes)) {
    problems.push(`outcome ${outcomes[0]}, accepted ${seen.hostile.expect.accept.join(' | ')}`)
  }
  if (seen.responseError !== undefined && outcomes[0] !== 'h2-served') {
    problems.push(`the client got no HTTP: ${seen.responseError}`)
  }
  problems.push(
    ...checkCount(seen, sent, outcomes),
    ...checkMeaning(seen, sent, outcomes),
    ...checkViews(seen),
    ...checkUpstream(seen),
    ...checkClosed(seen, outcomes),
    ...checkAnswers(seen, sent, outcomes),
    ...seen.innocentProblems,
  )
  for (const must of seen.hostile.expect.must ?? []) {
    const broken = checkMust(must, seen, sent, outcomes)
    if (broken !== undefined) problems.push(broken)
  }
  const { prefer } = seen.hostile.expect
  const preferred = problems.length === 0 && outcomes.includes(prefer)
  return { outcomes, problems, preferred }
}
