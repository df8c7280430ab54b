// What may a snippet ask for? The typed words of its directives, before the names of a route are filled in.
import type { AccessRule } from '../../filters/access-rules.ts'
import type { AnswerBlock } from '../../filters/answers.ts'
import type { HeaderRule } from '../../filters/header-rules.ts'
import type { NginxText } from './nginx-text.ts'

/** A rule whose value may still need the names of the route. */
export type HeaderWish = Omit<HeaderRule, 'value'> & { readonly value: NginxText }

/** An answer whose texts may still need the names of the route. */
export interface AnswerWish {
  readonly pattern?: string
  readonly status: number
  readonly location?: NginxText
  readonly keepsQuery?: true
  readonly body?: NginxText
}

/** A `location` of a server's snippet. */
export interface LocationWish {
  readonly is: NonNullable<AnswerBlock['path']>['is']
  readonly text: string
  /** `^~`: goes before patterns. */
  readonly isFirm: boolean
  readonly answers: readonly AnswerWish[]
  readonly access: readonly AccessRule[]
  readonly fields: readonly (readonly [string, string])[]
}

/** What a snippet asks for. */
export interface Snippet {
  readonly request: readonly HeaderWish[]
  readonly response: readonly HeaderWish[]
  readonly host?: NginxText
  readonly access: readonly AccessRule[]
  readonly answers: readonly AnswerWish[]
  readonly fields: readonly (readonly [string, string])[]
  readonly locations: readonly LocationWish[]
  /** Directives that are read over, as they were written. */
  readonly idle: readonly string[]
}
