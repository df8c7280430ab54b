// Whom does a limit not count? Client addresses that it excepts: for them its step is none.
import { createCidrSet, parseCidr } from '../../cidr.ts'
import type { RequestStep } from './kind.ts'

const nothing = () => {}

/** Says what is wrong with a list of CIDRs, as the end of a sentence. */
export function faultOfExceptions(cidrs: readonly string[] = []): string | undefined {
  for (const text of cidrs) {
    const result = parseCidr(text)
    if (!result.ok) return result.reason
  }
  return undefined
}

/** Makes the step that leaves out clients of these networks. */
export function exceptFor(cidrs: readonly string[] | undefined, step: RequestStep): RequestStep {
  if (cidrs === undefined || cidrs.length === 0) return step
  const excepted = createCidrSet(cidrs)
  if (step.kind === 'sync') {
    return {
      kind: 'sync',
      decide: (request) => (excepted.has(request.clientAddress) ? undefined : step.decide(request)),
    }
  }
  return {
    ...step,
    start(request, settle) {
      if (!excepted.has(request.clientAddress)) return step.start(request, settle)
      settle(undefined)
      return nothing
    },
  }
}
