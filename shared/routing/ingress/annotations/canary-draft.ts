// What have the canary keys of one Ingress asked for, and which requests does that mean?
//
//   affinity cookie (destination.ts) ─► header ─► cookie ─► weight, as ingress-nginx has it in balancer.lua
//
// Invariant: a canary never serves by itself: its terms say which requests it takes from another Ingress's route.
import type { AlternativeRule, AlternativeTerms } from '../../backend.ts'
import type { TextMatch } from '../../conditions/condition.ts'
import { compileSearch } from '../../pattern.ts'
import { quote } from './quote.ts'

/** The sum of the canary keys. */
export interface CanaryDraft {
  /** `canary` is true. */
  readonly isOn: boolean
  /** In lower case. */
  readonly header?: string
  readonly value?: string
  /** As written: it may be no pattern at all. */
  readonly pattern?: string
  readonly cookie?: string
  readonly weight: number
  readonly total: number
  readonly isSticky: boolean
}

/** What an Ingress that says nothing of canaries asks for. */
export const noCanary: CanaryDraft = { isOn: false, weight: 0, total: 100, isSticky: true }

/** Gives which requests the canary takes; undefined when the Ingress is none. */
export function termsOfCanary(draft: CanaryDraft | undefined): AlternativeTerms | undefined {
  if (draft === undefined || !draft.isOn) return undefined
  const { weight, total, isSticky } = draft
  return {
    rules: [...headerRules(draft), ...cookieRules(draft)],
    share: Math.min(weight, total) / total,
    isSticky,
  }
}

function headerRules({ header, value, pattern }: CanaryDraft): readonly AlternativeRule[] {
  if (header === undefined) return []
  const rule = (text: TextMatch, takes: boolean): AlternativeRule => ({
    when: { kind: 'header', name: header, text },
    takes,
  })
  if (value !== undefined) return [rule({ kind: 'exact', text: value }, true)]
  if (pattern === undefined) {
    return [
      rule({ kind: 'exact', text: 'always' }, true),
      rule({ kind: 'exact', text: 'never' }, false),
    ]
  }
  // ingress-nginx gives up at a pattern that is none, before it looks at cookie and weight.
  return compileSearch(pattern).ok
    ? [rule({ kind: 'regex', pattern }, true)]
    : [rule({ kind: 'present' }, false)]
}

function cookieRules({ cookie }: CanaryDraft): readonly AlternativeRule[] {
  if (cookie === undefined) return []
  const rule = (text: string, takes: boolean): AlternativeRule => ({
    when: { kind: 'cookie', name: cookie, text: { kind: 'exact', text } },
    takes,
  })
  return [rule('always', true), rule('never', false)]
}

/** What about a key has no effect, or another one than its author meant. */
export interface CanaryFinding {
  /** Without the family's prefix. */
  readonly key: string
  readonly message: string
  readonly remedy: string
}

/** Finds what is wrong with the canary keys together. */
export function findingsOfCanary(draft: CanaryDraft | undefined): readonly CanaryFinding[] {
  if (draft === undefined) return []
  const { isOn, header, value, pattern, cookie, weight } = draft
  if (!isOn) {
    const given = [
      ['canary-by-header', header],
      ['canary-by-header-value', value],
      ['canary-by-header-pattern', pattern],
      ['canary-by-cookie', cookie],
      ['canary-weight', weight > 0 ? weight : undefined],
    ] as const
    const first = given.find(([, of]) => of !== undefined)
    return first === undefined
      ? []
      : [
          {
            key: first[0],
            message:
              'The annotation has no effect without canary: the Ingress is served as any other.',
            remedy: 'Set nginx.ingress.kubernetes.io/canary: "true", or remove the canary keys.',
          },
        ]
  }
  const findings: CanaryFinding[] = []
  if (header === undefined && (value ?? pattern) !== undefined) {
    findings.push({
      key: value === undefined ? 'canary-by-header-pattern' : 'canary-by-header-value',
      message: 'The annotation has no effect without canary-by-header.',
      remedy: 'Name the header with nginx.ingress.kubernetes.io/canary-by-header.',
    })
  }
  const compiled = pattern === undefined ? undefined : compileSearch(pattern)
  if (pattern !== undefined && compiled?.ok === false && value === undefined) {
    findings.push({
      key: 'canary-by-header-pattern',
      message: `The pattern ${quote(pattern)} cannot be used: ${compiled.reason}. Requests with the header stay with the main Ingress, whatever its cookie or weight say.`,
      remedy: 'Write it in RE2 syntax: no look-around, no back-references.',
    })
  }
  return findings
}
