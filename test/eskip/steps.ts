// How is a case played? Step after step; the first that goes wrong ends it, and says what was wrong.
import { setTimeout as delay } from 'node:timers/promises'
import type { CaseRequest, Step } from './case.ts'
import { type Answered, Client } from './client.ts'
import { checkStep } from './expectations.ts'
import type { StagedCase } from './stage.ts'

/** Plays a case; gives what went wrong, in words, or undefined. */
export async function playCase(staged: StagedCase): Promise<string | undefined> {
  for (const [at, step] of staged.case.steps.entries()) {
    const wrong = await playStep(step, staged)
    if (wrong !== undefined) return `step ${at + 1}: ${wrong}`
  }
  return undefined
}

async function playStep(step: Step, { port, backends }: StagedCase): Promise<string | undefined> {
  await delay(step.pauseMs ?? 0)
  const before = new Map(backends.map(({ name, seen }) => [name, seen.length]))
  for (const each of backends) each.resetPeak()
  const requests = requestsOf(step)
  const start = performance.now()
  const answers =
    step.concurrent === true
      ? await atOnce(requests, port, step.staggerMs ?? 0)
      : await oneByOne(requests, port, step.everyMs ?? 0)
  const tookMs = performance.now() - start
  await delay(step.settleMs ?? 0)
  const seenBy = (wanted: string) =>
    backends
      .filter(({ name }) => name === wanted)
      .flatMap(({ name, seen }) => seen.slice(before.get(name) ?? 0))
  return checkStep(demandOf(step), { answers, backends, seenBy, tookMs })
}

function demandOf({ expect, known, right }: Step): Step['expect'] {
  if (known === undefined) return expect
  return right ?? {}
}

function requestsOf({ request, requests = [], repeat = 1 }: Step): readonly CaseRequest[] {
  return request === undefined ? requests : Array.from({ length: repeat }, () => request)
}

async function oneByOne(
  requests: readonly CaseRequest[],
  port: number,
  everyMs: number,
): Promise<readonly Answered[]> {
  const client = new Client(port)
  const answers: Answered[] = []
  try {
    for (const [at, request] of requests.entries()) {
      if (at > 0 && everyMs > 0) await delay(everyMs)
      answers.push(await client.ask(request))
    }
    return answers
  } finally {
    client.close()
  }
}

async function atOnce(
  requests: readonly CaseRequest[],
  port: number,
  staggerMs: number,
): Promise<readonly Answered[]> {
  return Promise.all(
    requests.map(async (request, at) => {
      await delay(at * staggerMs)
      const client = new Client(port)
      try {
        return await client.ask(request)
      } finally {
        client.close()
      }
    }),
  )
}
