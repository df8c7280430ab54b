// How does a policy become what the request path asks? Once per route, when a worker builds it; READ compiled.ts for the result.
//
// Invariant: a policy that cannot be compiled closes its route (503). It never throws and is never served half.
// Adding a policy: its own file beside this one, a field in policy.ts and in compiled.ts, a line here, rows in the tables.

import { parseCidr } from '../../cidr.ts'
import { compileAffinity } from '../affinity.ts'
import type { Policy } from '../policy.ts'
import type { Route } from '../table.ts'
import { compileAccess } from './access.ts'
import type { CompiledPolicy } from './compiled.ts'
import { answerFailure } from './failure-answer.ts'
import { compileEdits, faultOfEdits } from './header-edits.ts'
import { compileAppRoot, compileRedirect } from './redirect.ts'
import { compileRewrite } from './rewrite.ts'

type Answerer = NonNullable<CompiledPolicy['answer']>

/** Compiles what `route` asks for. `answer` decides in this order: closed, access, app root, redirect. */
export function compilePolicy(policy: Policy, route: Route): CompiledPolicy {
  const rewrite = policy.rewrite === undefined ? undefined : compileRewrite(policy.rewrite)
  const isRewriteLost = policy.rewrite !== undefined && rewrite === undefined
  if (policy.closed !== undefined || isRewriteLost || hasFault(policy)) return closedPolicy
  return {
    answer: composeAnswer(policy),
    rewrite,
    requestEdits: compileEdits(policy.requestHeaders),
    responseEdits: compileEdits(policy.responseHeaders),
    maxBodyBytes: limitOf(policy.maxBodyBytes),
    connectTimeoutMs: policy.timeouts?.connectMs ?? 0,
    readTimeoutMs: policy.timeouts?.readMs ?? 0,
    sendTimeoutMs: policy.timeouts?.sendMs ?? 0,
    affinity:
      policy.affinity === undefined ? undefined : compileAffinity(policy.affinity, route.upstream),
    leastRequests: policy.balance === 'least-requests',
  }
}

const closedAnswer = answerFailure('policy-closed')
const deniedAnswer = answerFailure('access-denied')

const closedPolicy: CompiledPolicy = {
  answer: () => closedAnswer,
  rewrite: undefined,
  requestEdits: undefined,
  responseEdits: undefined,
  maxBodyBytes: Number.POSITIVE_INFINITY,
  connectTimeoutMs: 0,
  readTimeoutMs: 0,
  sendTimeoutMs: 0,
  affinity: undefined,
  leastRequests: false,
}

function composeAnswer(policy: Policy): Answerer | undefined {
  const answerers: Answerer[] = []
  const mayUse = policy.access === undefined ? undefined : compileAccess(policy.access)
  if (mayUse !== undefined) {
    answerers.push((facts) => (mayUse(facts.clientAddress) ? undefined : deniedAnswer))
  }
  if (policy.appRoot !== undefined) answerers.push(compileAppRoot(policy.appRoot))
  if (policy.redirect !== undefined) answerers.push(compileRedirect(policy.redirect))
  const [only] = answerers
  if (answerers.length <= 1) return only
  return (facts) => {
    for (const answerer of answerers) {
      const answer = answerer(facts)
      if (answer !== undefined) return answer
    }
    return undefined
  }
}

/** Finds what must not be compiled. Annotations are checked when they are read; this is for policies that came otherwise. */
function hasFault({ access, requestHeaders, responseHeaders }: Policy): boolean {
  const cidrs = access === undefined ? [] : [...access.allow, ...access.deny]
  if (cidrs.some((cidr) => !parseCidr(cidr).ok)) return true
  const edits = [requestHeaders, responseHeaders]
  return edits.some((edit) => edit !== undefined && faultOfEdits(edit) !== undefined)
}

function limitOf(bytes: number | undefined): number {
  return bytes === undefined || bytes === 0 ? Number.POSITIVE_INFINITY : bytes
}
