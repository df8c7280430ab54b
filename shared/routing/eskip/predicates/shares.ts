// Predicates that divide requests up, and those that hold always or never.
import type { Condition } from '../../conditions/condition.ts'
import type { Arg } from '../language.ts'
import { type Predicate, wrong, wrongArgs } from './predicate.ts'

function areNumbers(args: readonly Arg[]): args is readonly number[] {
  return args.every((arg) => typeof arg === 'number')
}

function constant(name: string, meaning: string, conditions: readonly Condition[]): Predicate {
  return { name, args: 'nothing', meaning, read: () => ({ conditions }) }
}

/** Those of Skipper that divide requests up. */
export const shares: readonly Predicate[] = [
  {
    name: 'Traffic',
    args: 'a chance from 0 to 1, and perhaps the name of a cookie and a group',
    meaning:
      'By chance. With a cookie: a client that has it is in the group that the cookie names, without chance.',
    read([chance, cookie, group, ...rest], { seed }) {
      if (typeof chance !== 'number' || rest.length > 0) return wrongArgs(this.args)
      if (cookie === undefined) return { conditions: [{ kind: 'chance', chance, seed }] }
      if (typeof cookie !== 'string' || typeof group !== 'string') return wrongArgs(this.args)
      return { conditions: [{ kind: 'chance', chance, seed, sticky: { cookie, group } }] }
    },
  },
  {
    name: 'TrafficSegment',
    args: 'two shares from 0 to 1, the first below the second',
    meaning:
      'One number for each request says which segment it is in, so that segments side by side share all requests. Weighs nothing.',
    read(args) {
      const [from, below, ...rest] = args
      if (!areNumbers(args) || from === undefined || below === undefined || rest.length > 0) {
        return wrongArgs(this.args)
      }
      return {
        weight: 0,
        conditions: [{ kind: 'share', from: Number(from), below: Number(below) }],
      }
    },
  },
  {
    name: 'Weight',
    args: 'a whole number',
    meaning:
      'Makes the route weigh so much more: of routes at one path the heaviest is asked first.',
    read([weight, ...rest]) {
      if (typeof weight !== 'number' || rest.length > 0) return wrongArgs(this.args)
      if (!Number.isSafeInteger(weight))
        return wrong('has a weight that is no whole number', `Write it with ${this.args}.`)
      return { weight }
    },
  },
  constant('True', 'Always.', []),
  constant('False', 'Never.', [{ kind: 'never' }]),
  constant('Shutdown', 'While the proxy is about to leave.', [{ kind: 'draining' }]),
  constant('Tee', 'Of copies that `teeLoopback` sends; of no request of a client.', [
    { kind: 'never' },
  ]),
]
