// Predicates about who asks: addresses, and what a token claims.
import type { Condition, SourceCondition, TextMatch } from '../../conditions/condition.ts'
import { type Predicate, textsOf, wrongArgs } from './predicate.ts'

const networks = 'one or more addresses or networks'

function source(name: string, of: SourceCondition['of'], meaning: string): Predicate {
  return {
    name,
    args: networks,
    meaning,
    read(args) {
      const texts = textsOf(args, 1)
      if (texts === undefined) return wrongArgs(networks)
      return { conditions: [{ kind: 'source', networks: texts, of }] }
    },
  }
}

const pairs = 'pairs of a claim and its value'

function claims(
  name: string,
  needs: 'all' | 'any',
  match: (text: string) => TextMatch,
  meaning: string,
): Predicate {
  return {
    name,
    args: pairs,
    meaning,
    read(args) {
      const texts = textsOf(args, 2)
      if (texts === undefined || texts.length % 2 !== 0) return wrongArgs(pairs)
      const wanted = texts.flatMap((text, at) =>
        at % 2 === 0 ? [{ name: text, text: match(texts[at + 1] ?? '') }] : [],
      )
      const condition: Condition = { kind: 'token', needs, claims: wanted }
      return { conditions: [condition] }
    },
  }
}

const exact = (text: string): TextMatch => ({ kind: 'exact', text })
const regex = (pattern: string): TextMatch => ({ kind: 'regex', pattern })
const unverified = 'The token (Authorization: Bearer) claims this; nobody has verified it.'

/** Those of Skipper that ask who the client is. */
export const clients: readonly Predicate[] = [
  source(
    'Source',
    'client',
    'The client is in one of these networks. Differs: the client is the one that trusted proxies name, not the first of X-Forwarded-For, which anybody can forge.',
  ),
  source('SourceFromLast', 'client', 'As `Source`.'),
  source('ClientIP', 'peer', 'The peer of the connection is in one of these networks.'),
  claims('JWTPayloadAnyKV', 'any', exact, `${unverified} One of the pairs is enough.`),
  claims('JWTPayloadAllKV', 'all', exact, `${unverified} All of the pairs.`),
  claims(
    'JWTPayloadAnyKVRegexp',
    'any',
    regex,
    `${unverified} One match, anywhere in the value, is enough.`,
  ),
  claims(
    'JWTPayloadAllKVRegexp',
    'all',
    regex,
    `${unverified} Each has a match, anywhere in the value.`,
  ),
]
