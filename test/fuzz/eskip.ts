// Does the parser of eskip hold whatever text it gets? Texts of the grammar, spoiled in few places.
//
// Invariants: it never throws; a fault names a place within the text; what was read is printed so that it is read as the same;
// no text takes more than linear time.
import { tellFault } from '../../shared/routing/eskip/language.ts'
import { parseEskip, parseFilters, parsePredicates } from '../../shared/routing/eskip/parse.ts'
import { printEskip } from '../../shared/routing/eskip/print.ts'
import { mutate } from './mutate.ts'
import { createRandom, type Random } from './random.ts'

const pieces = [
  ...[
    'a',
    'Path',
    'setPath',
    '(',
    ')',
    ',',
    ':',
    ';',
    '*',
    '&&',
    '->',
    '<',
    '>',
    ' ',
    '\n',
    '// x\n',
  ],
  ...[
    '"a"',
    '"\\""',
    '`b`',
    '`\\``',
    '/^a[/]/',
    '/\\//',
    '//',
    '"',
    '`',
    '/',
    '[',
    '\\',
    '1',
    '-2',
    '.5',
    '3.',
  ],
  ...[
    '<shunt>',
    '<loopback>',
    '<dynamic>',
    '<forward>',
    '<random, "http://a">',
    '"http://10.0.0.1:80"',
  ],
  ...['\u0000', 'é', '\u{1F600}', '\ud800', '\u2028'],
]
const seeds = [
  'a: Path("/x") && Header("X-A", "1") -> setPath("/y") -> "http://10.0.0.1:8080";\n',
  'b: Host(/^(a[.]test)$/) && Traffic(.2, "c", "d") -> status(418) -> <shunt>;\n',
  'c: * -> modPath(/^\\/a\\/(\\d+)/, `/$1`) -> <random, "http://a", "http://b">; // end\n',
  'PathRegexp(/[/]x/) -> <loopback>',
]

/** Plays for that long; 1 when something is wrong, which is printed, else 0. */
export function fuzzEskip(forMs: number, seed: number): 0 | 1 {
  const random = createRandom(seed)
  const endsAt = performance.now() + forMs
  console.log(`seed ${seed}`)
  let count = 0
  for (; count % 1024 !== 0 || performance.now() < endsAt; count += 1) {
    const text = textOf(random)
    const problem = problemWith(text)
    if (problem === undefined) continue
    console.log(`FAILED after ${count} texts: ${problem}\n${JSON.stringify(text)}`)
    return 1
  }
  console.log(`${count} texts, nothing is wrong`)
  return 0
}

function textOf(random: Random): string {
  const length = random.below(random.oneIn(256) ? 20_000 : 24)
  if (random.oneIn(3)) return Array.from({ length }, () => random.pick(pieces)).join('')
  const whole = Array.from({ length: 1 + random.below(3) }, () => random.pick(seeds)).join('')
  return mutate(whole, [...seeds, ...pieces], random)
}

/** Says what is wrong with how a text is read; undefined when nothing is. */
function problemWith(text: string): string | undefined {
  const began = performance.now()
  try {
    for (const parse of [parseEskip, parseFilters, parsePredicates]) {
      const result = parse(text)
      const isWithin = result.ok || result.line <= text.split('\n').length
      if (!isWithin) return `a place outside of the text: ${tellFault(result)}`
    }
    const result = parseEskip(text)
    const again = result.ok ? parseEskip(printEskip(result.value)) : result
    if (!again.ok && result.ok) return `what is printed is not read: ${tellFault(again)}`
    if (withoutPlaces(again) !== withoutPlaces(result))
      return 'what is printed is read as something else'
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
  const took = performance.now() - began
  return took > 1000 ? `it took ${Math.round(took)} ms` : undefined
}

function withoutPlaces(value: unknown): string {
  return JSON.stringify(value, (key, part) => {
    if (key === 'at') return undefined
    return typeof part === 'object' && part !== null && 'regexp' in part ? part.regexp : part
  })
}
