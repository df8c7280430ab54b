// Predicates that find a route: host and path.
import type { Condition } from '../../conditions/condition.ts'
import { literalHost, patternOf } from './literal-host.ts'
import { type Predicate, textsOf, type Wish, type Wrong, wrongArgs } from './predicate.ts'
import { readPath, readSubtree } from './read-path.ts'

const pattern = 'a pattern'
// What a request's host can be: a name or an address, in lower case, without a port.
const hostName = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/

/** Those of Skipper that say where a route is. */
export const places: readonly Predicate[] = [
  {
    name: 'Host',
    args: pattern,
    meaning:
      'The host, in lower case and without port, has a match of the pattern anywhere. One that can match a single name only, such as `^a[.]test$`, is found without any pattern.',
    read(args): Wish | Wrong {
      const [text] = textsOf(args, 1, 1) ?? []
      if (text === undefined) return wrongArgs(pattern)
      const name = literalHost(text)
      if (name !== undefined) return { hosts: [name], weight: 0 }
      return { conditions: [{ kind: 'host', pattern: text }] }
    },
  },
  {
    name: 'HostAny',
    args: 'one or more hosts',
    meaning: 'One of these hosts. One with a port never fits, since a request has lost its own.',
    read(args) {
      const texts = textsOf(args, 1)
      if (texts === undefined) return wrongArgs(this.args)
      const hosts = texts.filter((text) => hostName.test(text))
      return hosts.length === 0 ? { conditions: [{ kind: 'never' }] } : { hosts, weight: 0 }
    },
  },
  {
    name: 'Path',
    args: 'a path, in which `:name` is one segment and `*name`, at its end, one or more',
    meaning: 'The whole path.',
    read(args) {
      const [text] = textsOf(args, 1, 1) ?? []
      return text === undefined ? wrongArgs(this.args) : readPath(text)
    },
  },
  {
    name: 'PathSubtree',
    args: 'a path, in which `:name` is one segment',
    meaning: 'The path and all below it.',
    read(args) {
      const [text] = textsOf(args, 1, 1) ?? []
      return text === undefined ? wrongArgs(this.args) : readSubtree(text)
    },
  },
  {
    name: 'PathRegexp',
    args: pattern,
    meaning:
      'The path, decoded, has a match of the pattern anywhere. A route without Path and PathSubtree is asked after those that have one.',
    read(args) {
      const [text] = textsOf(args, 1, 1) ?? []
      return text === undefined
        ? wrongArgs(pattern)
        : { conditions: [{ kind: 'path', pattern: text }] }
    },
  },
]

/** One of these hosts, as a condition. */
export function hostCondition(hosts: readonly string[]): Condition {
  return { kind: 'host', pattern: patternOf(hosts) }
}
