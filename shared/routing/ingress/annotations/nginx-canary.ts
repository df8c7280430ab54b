// ingress-nginx's annotations for canaries: an Ingress whose Services take some requests of another one's routes.
import { faultOf } from '../../conditions/compile.ts'
import type { TextCondition } from '../../conditions/condition.ts'
import { type CanaryDraft, noCanary } from './canary-draft.ts'
import type { Draft } from './draft.ts'
import { parseWhole } from './filter-values.ts'
import { type Row, supported } from './row.ts'
import { accept, type Parsed, parseBool, parseChoice, parseCookieName, refuse } from './values.ts'

/** Changes one property of the canary. */
function shapeCanary<K extends keyof CanaryDraft>(name: K) {
  return (value: NonNullable<CanaryDraft[K]>, { canary = noCanary }: Draft): Partial<Draft> => ({
    canary: { ...canary, [name]: value },
  })
}

function checked(condition: TextCondition, value: string): Parsed<string> {
  const fault = faultOf(condition)
  return fault === undefined ? accept(value) : refuse(fault)
}

/** Parses the name of a header. */
function parseHeader(text: string): Parsed<string> {
  const name = text.toLowerCase()
  return checked({ kind: 'header', name, text: { kind: 'present' } }, name)
}

/** Parses a value that a header may have. */
function parseHeaderValue(text: string): Parsed<string> {
  if (text === '') return refuse('must not be empty')
  return checked({ kind: 'header', name: 'x', text: { kind: 'exact', text } }, text)
}

// What ingress-nginx lets through (parser.IsValidRegex); it ignores any other pattern.
const patternCharacters = /^[/\-._~a-zA-Z0-9:^$[\](){}*+?|&=\\]+$/

/** Parses the text of a pattern; whether it is one is asked when all keys are read. */
function parsePattern(text: string): Parsed<string> {
  return patternCharacters.test(text)
    ? accept(text)
    : refuse('may hold letters, digits and - . _ ~ / : ^ $ [ ] ( ) { } * + ? | & = \\ only')
}

const maxWeight = 1_000_000
const setTotal = shapeCanary('total')

/** The rows of canaries. */
export const canaryRows: readonly Row[] = [
  supported(
    'canary',
    'bool',
    'The Ingress serves nothing by itself: it takes requests from another Ingress of its namespace with the same host, path and pathType, by the keys below. Of several the oldest counts. While either has no endpoints the other Ingress keeps its requests: 503 if that is the one. Other keys of the canary have no effect. Differs: canaries of other namespaces are not joined, and the main Ingress’s balance rules both.',
    parseBool,
    shapeCanary('isOn'),
  ),
  supported(
    'canary-by-header',
    'name',
    'Requests with `always` in this header go to the canary, those with `never` do not; any other value leaves it to the next key. An affinity cookie goes before all of these keys.',
    parseHeader,
    shapeCanary('header'),
  ),
  supported(
    'canary-by-header-value',
    'text',
    'Requests with exactly this value in the header go to the canary; `always` and `never` have no meaning then.',
    parseHeaderValue,
    shapeCanary('value'),
  ),
  supported(
    'canary-by-header-pattern',
    'pattern',
    'As `canary-by-header-value`, and without it: the header has a match of this pattern anywhere. Differs: RE2 syntax. With a pattern that is none, requests with the header stay with the main Ingress.',
    parsePattern,
    shapeCanary('pattern'),
  ),
  supported(
    'canary-by-cookie',
    'name',
    'As `canary-by-header`, asked after it, for a cookie.',
    parseCookieName,
    shapeCanary('cookie'),
  ),
  supported(
    'canary-weight-total',
    'above 100',
    'What `canary-weight` is a part of; 100 when absent, or not above it.',
    parseWhole(0, maxWeight),
    (total: number, draft) =>
      total < 100 ? 'counts only above 100: 100 it is' : setTotal(total, draft),
  ),
  supported(
    'canary-weight',
    'int',
    'So many of 100 other requests (or of `canary-weight-total`) go to the canary, at random.',
    parseWhole(0, maxWeight),
    shapeCanary('weight'),
  ),
  supported(
    'affinity-canary-behavior',
    '`sticky`, `legacy`',
    'On the canary: `legacy` sets no affinity cookie for its requests and brings nobody back to it. A cookie of the main Service keeps a client there in both.',
    parseChoice({ sticky: true, legacy: false }),
    shapeCanary('isSticky'),
  ),
]
