// How do conditions become questions about a request? Once per route, when a worker builds it.
// Adding a kind: its words in condition.ts, a file beside this one, a row in each table here, its rank in specificity.ts.
//
// Invariant: a condition with a fault never holds, nor does its negation: who asks for a route by words that mean nothing
// does not get it. Sources ask faultOf first and say what is wrong.
import type { RequestView } from '../filters/kind.ts'
import { chance } from './chance.ts'
import type { Condition } from './condition.ts'
import { cookie } from './cookie.ts'
import { cron } from './cron.ts'
import { hash } from './hash.ts'
import { header } from './header.ts'
import { host } from './host.ts'
import type { ConditionContext, Question } from './kind.ts'
import { length } from './length.ts'
import { method } from './method.ts'
import { path } from './path.ts'
import { query } from './query.ts'
import { share } from './share.ts'
import { source } from './source.ts'
import { time } from './time.ts'
import { token } from './token.ts'

/** Says what is wrong with a condition, as the end of the sentence "The condition …"; undefined when it may be compiled. */
export function faultOf(condition: Condition): string | undefined {
  switch (condition.kind) {
    case 'method':
      return method.fault(condition)
    case 'header':
      return header.fault(condition)
    case 'query':
      return query.fault(condition)
    case 'cookie':
      return cookie.fault(condition)
    case 'source':
      return source.fault(condition)
    case 'time':
      return time.fault(condition)
    case 'share':
      return share.fault(condition)
    case 'chance':
      return chance.fault(condition)
    case 'cron':
      return cron.fault(condition)
    case 'hash':
      return hash.fault(condition)
    case 'host':
      return host.fault(condition)
    case 'length':
      return length.fault(condition)
    case 'path':
      return path.fault(condition)
    case 'token':
      return token.fault(condition)
    case 'draining':
    case 'never':
      return undefined
    case 'not':
      return faultOf(condition.condition)
  }
}

function compile(condition: Condition, context: ConditionContext): Question {
  switch (condition.kind) {
    case 'method':
      return method.compile(condition, context)
    case 'header':
      return header.compile(condition, context)
    case 'query':
      return query.compile(condition, context)
    case 'cookie':
      return cookie.compile(condition, context)
    case 'source':
      return source.compile(condition, context)
    case 'time':
      return time.compile(condition, context)
    case 'share':
      return share.compile(condition, context)
    case 'chance':
      return chance.compile(condition, context)
    case 'cron':
      return cron.compile(condition, context)
    case 'hash':
      return hash.compile(condition, context)
    case 'host':
      return host.compile(condition, context)
    case 'length':
      return length.compile(condition, context)
    case 'path':
      return path.compile(condition, context)
    case 'token':
      return token.compile(condition, context)
    case 'draining': {
      const { isDraining = never } = context
      return () => isDraining()
    }
    case 'never':
      return never
    case 'not': {
      const question = compile(condition.condition, context)
      return (request) => !question(request)
    }
  }
}

/** Makes the questions of a route; undefined when it has no conditions. */
export function compileConditions(
  conditions: readonly Condition[],
  context: ConditionContext,
): readonly Question[] | undefined {
  if (conditions.length === 0) return undefined
  return conditions.map((condition) =>
    faultOf(condition) === undefined ? compile(condition, context) : never,
  )
}

/** Says whether a request is meant: all questions are answered with yes. */
export function allHold(questions: readonly Question[] | undefined, request: RequestView): boolean {
  if (questions === undefined) return true
  for (const question of questions) if (!question(request)) return false
  return true
}

function never(): boolean {
  return false
}
