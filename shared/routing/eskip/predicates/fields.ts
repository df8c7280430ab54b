// Predicates about the request's own words: method, headers, cookies, query, length.
import type { Condition, TextMatch } from '../../conditions/condition.ts'
import { type Predicate, textsOf, type Wish, wrongArgs } from './predicate.ts'

type TextKind = 'header' | 'query' | 'cookie'

function text(kind: TextKind, name: string, match: TextMatch): Wish {
  return { conditions: [{ kind, name, text: match, each: true }] }
}

/** One pattern of RE2 that finds `key`, or `key=value`, among the members of a list such as that of Baggage or Forwarded. */
function member(key: string, value: string | undefined, separators: string): string {
  const quoted = (part: string) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  const pair = value === undefined ? '' : `[ \\t]*=[ \\t]*"?${quoted(value)}"?`
  const end = value === undefined ? `[ \\t]*(=|[${separators}]|$)` : `[ \\t]*([${separators}]|$)`
  return `(^|[${separators}])[ \\t]*${quoted(key)}${pair}${end}`
}

/** Those of Skipper that compare a text of the request. */
export const fields: readonly Predicate[] = [
  {
    name: 'Method',
    args: 'a method',
    meaning: 'The method, with its case: `Method("post")` never holds.',
    read(args) {
      const anyOf = textsOf(args, 1, 1)
      return anyOf === undefined
        ? wrongArgs(this.args)
        : { conditions: [{ kind: 'method', anyOf }] }
    },
  },
  {
    name: 'Methods',
    args: 'one or more methods',
    meaning: 'One of these methods, which may be written in any case.',
    read(args) {
      const texts = textsOf(args, 1)
      if (texts === undefined) return wrongArgs(this.args)
      const anyOf = texts.map((each) => each.toUpperCase())
      return { conditions: [{ kind: 'method', anyOf }] }
    },
  },
  {
    name: 'Header',
    args: 'a name and a value',
    meaning:
      'One line of the header has exactly this value. Of two for one header the last counts.',
    read(args) {
      const [name, value] = textsOf(args, 2, 2) ?? []
      if (name === undefined || value === undefined) return wrongArgs(this.args)
      const lower = name.toLowerCase()
      return {
        ...text('header', lower, { kind: 'exact', text: value }),
        replaces: `header ${lower}`,
      }
    },
  },
  {
    name: 'HeaderRegexp',
    args: 'a name and a pattern',
    meaning: 'One line of the header has a match of the pattern anywhere.',
    read(args) {
      const [name, pattern] = textsOf(args, 2, 2) ?? []
      if (name === undefined || pattern === undefined) return wrongArgs(this.args)
      return text('header', name.toLowerCase(), { kind: 'regex', pattern })
    },
  },
  {
    name: 'HeaderSHA256',
    args: 'a name and one or more SHA-256 sums in hex',
    meaning: 'One line of the header has one of these sums.',
    read(args) {
      const [name, ...anyOf] = textsOf(args, 2) ?? []
      if (name === undefined) return wrongArgs(this.args)
      return { conditions: [{ kind: 'hash', name: name.toLowerCase(), anyOf }] }
    },
  },
  {
    name: 'Cookie',
    args: 'a name and a pattern',
    meaning: 'The first cookie of that name has a match of the pattern anywhere.',
    read(args) {
      const [name, pattern] = textsOf(args, 2, 2) ?? []
      if (name === undefined || pattern === undefined) return wrongArgs(this.args)
      return text('cookie', name, { kind: 'regex', pattern })
    },
  },
  {
    name: 'QueryParam',
    args: 'a name, and perhaps a pattern',
    meaning: 'The query has the parameter; with a pattern: one of its values has a match anywhere.',
    read(args) {
      const [name, pattern] = textsOf(args, 1, 2) ?? []
      if (name === undefined) return wrongArgs(this.args)
      return text(
        'query',
        name,
        pattern === undefined ? { kind: 'present' } : { kind: 'regex', pattern },
      )
    },
  },
  {
    name: 'ContentLengthBetween',
    args: 'two lengths in bytes, the first below the second',
    meaning:
      'The body is at least as long as the first and shorter than the second; one whose length is not known does not fit.',
    read([from, below, ...rest]) {
      if (typeof from !== 'number' || typeof below !== 'number' || rest.length > 0) {
        return wrongArgs(this.args)
      }
      const condition: Condition = { kind: 'length', from, below }
      return { conditions: [condition] }
    },
  },
  {
    name: 'ForwardedProtocol',
    args: '`http` or `https`',
    meaning: 'The header Forwarded names this protocol. Nobody vouches for it but a trusted proxy.',
    read(args) {
      const [protocol] = textsOf(args, 1, 1) ?? []
      if (protocol !== 'http' && protocol !== 'https') return wrongArgs(this.args)
      const pattern = `(?i)${member('proto', protocol, ',;')}`
      return text('header', 'forwarded', { kind: 'regex', pattern })
    },
  },
  {
    name: 'OTelBaggage',
    args: 'a key, and perhaps a value',
    meaning: 'The header Baggage has the key, with that value.',
    read(args) {
      const [key, value] = textsOf(args, 1, 2) ?? []
      if (key === undefined) return wrongArgs(this.args)
      return text('header', 'baggage', { kind: 'regex', pattern: member(key, value, ',;') })
    },
  },
]
