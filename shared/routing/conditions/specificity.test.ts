import t from 'tap'
import type { Condition } from './condition.ts'
import { compareSpecificity, type Terms } from './specificity.ts'

const text = { kind: 'present' } as const
const words: Readonly<Record<string, Condition>> = {
  method: { kind: 'method', anyOf: ['GET'] },
  header: { kind: 'header', name: 'a', text },
  query: { kind: 'query', name: 'a', text },
  cookie: { kind: 'cookie', name: 'a', text },
  source: { kind: 'source', networks: ['10.0.0.0/8'], of: 'client' },
  time: { kind: 'time', fromMs: 0, untilMs: 1 },
  share: { kind: 'share', from: 0, below: 0.5 },
}

/** `header header !query`: the conditions of one route. */
function route(words_: string): Condition[] {
  return words_.split(' ').flatMap((word): Condition[] => {
    const condition = words[word.replace('!', '')]
    if (condition === undefined) return []
    return [word.startsWith('!') ? { kind: 'not', condition } : condition]
  })
}

const before = [
  ['header', '', 'a route without conditions is last'],
  ['share', '', 'whatever the condition'],
  ['method', 'header header header', 'a method goes before any number of headers'],
  ['header header', 'header query query', 'two headers go before one and two parameters'],
  ['header query', 'header', 'equal headers, more parameters'],
  ['query', 'cookie cookie source time share', 'Gateway API’s kinds go before the others'],
  ['cookie', 'source source', 'a cookie before sources'],
  ['source', 'time time', 'a source before times'],
  ['time', 'share', 'a time before a share'],
  ['method share', 'method', 'more of what is left'],
  ['!header !header', 'header', 'a negated condition counts as well'],
  ['=2', 'method=1', 'the heavier, whatever it asks for'],
  ['header=1', 'method header', 'a weight before none'],
  ['share=0', '=0', 'a share weighs nothing, and goes before all requests'],
  ['method', 'share=0', 'conditions of its own before a share that weighs nothing'],
] as const

function terms(text: string): Terms {
  const [names = '', weight] = text.split('=')
  const conditions = route(names)
  return weight === undefined ? { conditions } : { conditions, weight: Number(weight) }
}

for (const [first, second, why] of before) {
  t.test(`[${first}] is asked before [${second}]: ${why}`, async (t) => {
    t.ok(compareSpecificity(terms(first), terms(second)) < 0)
    t.ok(compareSpecificity(terms(second), terms(first)) > 0)
  })
}

const equal = [
  ['', '', 'two without conditions'],
  ['method=2', 'share header=2', 'what weighs alike'],
  ['', '=0', 'a weight of nothing is none'],
  ['header', '!header', 'what a header must not be is as much'],
  ['method', 'method !method', 'a second method says no more'],
  ['query header', 'header query', 'the order within a route says nothing'],
] as const

for (const [one, other, why] of equal) {
  t.test(`[${one}] and [${other}] keep their order: ${why}`, async (t) => {
    t.equal(compareSpecificity(terms(one), terms(other)), 0)
  })
}
