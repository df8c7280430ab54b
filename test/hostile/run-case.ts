// One run: the innocent client before, the case, the innocent client during and after, then what was seen.
import { networkInterfaces } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningProxy } from '../support/programs.ts'
import type { RawClient } from '../support/raw-client.ts'
import { bytesOf, clientParts, type HostileCase, type Segmentation } from './cases.ts'
import { connectTo, getPlainly, playOn } from './client.ts'
import { judge, scriptMessages, type Verdict } from './judge.ts'
import { innocentPrefix, type Recorder, type SeenRequest } from './recorder.ts'
import type { Seen } from './seen.ts'
import { readStrictly } from './strict.ts'

/** A proxy, its upstreams, and how the times of the cases are scaled for it. */
export interface Lane {
  readonly target: RunningProxy
  readonly recorder: Recorder
  readonly timeScale: number
  /** The longest wait for an end, ms; above every scaled timeout of the proxy. */
  readonly patienceMs: number
}

export interface Variant {
  readonly segmentation: Segmentation
  readonly reusedConnection: boolean
}

// Time for something wrong to show after the last expected byte.
const settleMs = 20
// A "destroyed" upstream connection is closed within 1 s (cases/README).
const destroyedWithinMs = 1000

const peerAddresses = [
  '127.0.0.1',
  ...Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  ),
]

let innocentCount = 0

async function innocentGet(client: RawClient, problems: string[], when: string): Promise<void> {
  const target = `${innocentPrefix}${++innocentCount}`
  const answer = await getPlainly(client, 'a.test', target)
  if (answer === undefined) problems.push(`innocent ${when}: no answer`)
  else if (answer.status !== 200) problems.push(`innocent ${when}: status ${answer.status}`)
  else if (!answer.body.includes(`"target":"${target}"`)) {
    problems.push(`innocent ${when}: somebody else's answer`)
  }
}

/** Waits until the play has an end that can be judged. */
async function waitForEnd(
  client: RawClient,
  hostile: HostileCase,
  sent: string,
  warmUp: number,
  patienceMs: number,
): Promise<void> {
  const strict = readStrictly('request', sent)
  const complete = strict.messages.filter((message) => message.complete).length
  const expected = Math.max(1, complete)
  const broken = strict.error !== undefined || hostile.expect.clientConnectionAfter === 'closed'
  const answered = () => {
    const finals = client.finals.slice(warmUp)
    const last = finals.at(-1)
    return finals.length >= expected && last?.complete === true
  }
  const over = () => client.ended !== 'open' || client.malformed !== undefined
  // A backend that sends on and on has no end to wait for: all of it there is the end.
  const script =
    hostile.clientReads === undefined ? undefined : scriptMessages(hostile).messages.at(-1)
  const allThere = () =>
    script !== undefined &&
    !script.complete &&
    (client.finals.at(-1)?.bodyBytes ?? 0) >= script.bodyBytes &&
    script.bodyBytes > 0
  await client.within(() => over() || answered() || allThere(), patienceMs)
  const closing = client.finals.some((message) =>
    message.fields.some(([name, value]) => /^connection$/i.test(name) && /close/i.test(value)),
  )
  const late = client.finals.slice(warmUp).length < expected || broken || closing
  await client.within(over, late && client.ended === 'open' ? 1000 : settleMs)
}

async function readLate(lane: Lane): Promise<number> {
  const before = lane.target.residentKib()
  await delay(10_000 * lane.timeScale)
  return lane.target.residentKib() - before
}

async function playCase(
  lane: Lane,
  hostile: HostileCase,
  variant: Variant,
  client: RawClient,
): Promise<number> {
  const parts = clientParts(hostile)
  const segmentation = variant.segmentation
  if (hostile.clientReads !== undefined) {
    client.socket.pause()
    const { resume } = await playOn(client, parts, segmentation, lane.timeScale)
    const grown = await readLate(lane)
    resume()
    return grown
  }
  const slow = parts.some((part) => part.readBytesPerSecond !== undefined)
  const before = lane.target.residentKib()
  const { resume } = await playOn(client, parts, segmentation, lane.timeScale)
  if (!slow) return 0
  // Longer than the scaled write timeout; then the rest is read, if it still comes.
  await delay(lane.patienceMs * 0.7)
  const grown = lane.target.residentKib() - before
  resume()
  return grown
}

function gather(requests: readonly SeenRequest[], all: readonly SeenRequest[]): Seen['requests'] {
  return requests.map(({ message, connection, scripted }) => {
    const sameConnection = all.filter((request) => request.connection === connection)
    const index = sameConnection.findIndex((request) => request.message === message)
    return {
      message,
      service: connection.service,
      connectionId: connection.id,
      scripted,
      error: connection.reader.error,
      closed: connection.closed,
      followers: sameConnection.length - 1 - index,
    }
  })
}

/** Plays one case once and judges it. */
export async function runCase(
  lane: Lane,
  hostile: HostileCase,
  variant: Variant,
  look?: (seen: Seen) => void,
): Promise<Verdict> {
  const { target, recorder } = lane
  const innocentProblems: string[] = []
  const innocent = await connectTo(target.host, target.port)
  const client = await connectTo(target.host, target.port)
  try {
    recorder.begin(undefined)
    await innocentGet(innocent, innocentProblems, 'before')
    if (variant.reusedConnection)
      await innocentGet(client, innocentProblems, 'on the same connection')
    const warmUp = client.responses.length
    const warmBytes = client.text.length
    client.firstBodyAt = 0
    const backend = hostile.backendSends
    const script = backend && { parts: backend, segmentation: variant.segmentation }
    recorder.begin(script)
    const sent = bytesOf(clientParts(hostile))
    for (const { method } of readStrictly('request', sent).messages) {
      client.expectAnswerTo(method)
    }
    // A case about a reused upstream connection wants the idle one for itself.
    const during =
      hostile.onReusedConnection === true
        ? Promise.resolve()
        : innocentGet(innocent, innocentProblems, 'during')
    const grownKib = await playCase(lane, hostile, variant, client)
    await waitForEnd(
      client,
      hostile,
      sent,
      client.finals.length > 0 && warmUp > 0 ? 1 : 0,
      lane.patienceMs,
    )
    await during
    // Idle for longer than the scaled keep-alive timeout, the first connection may be closed by right.
    const later =
      innocent.ended === 'open' && innocent.socket.writable
        ? innocent
        : await connectTo(target.host, target.port)
    await innocentGet(later, innocentProblems, 'after')
    later.close()
    const ended = client.ended
    client.close()
    const hostileRequests = () =>
      recorder.requests.filter(({ message }) => !message.target.startsWith(innocentPrefix))
    const unsettled = () =>
      hostileRequests().some(
        ({ message, connection, scripted }) =>
          (!message.complete || scripted) && !connection.closed,
      )
    const mustClose = hostile.expect.must?.some((must) => must.includes('destroyed')) === true
    const unfinished = () => hostileRequests().some(({ message }) => !message.complete)
    const deadline = performance.now() + destroyedWithinMs
    while (unsettled() && (mustClose || unfinished()) && performance.now() < deadline)
      await delay(5)
    const seen: Seen = {
      hostile,
      segmentation: variant.segmentation,
      reusedConnection: variant.reusedConnection,
      sent,
      responses: client.responses.slice(warmUp),
      clientBytes: client.text.slice(warmBytes),
      responseError: client.malformed,
      ended,
      tunnelled: client.tunnelled,
      requests: gather(hostileRequests(), recorder.requests),
      innocentProblems,
      scriptEndedAt: recorder.scriptEndedAt,
      firstBodyAt: client.firstBodyAt,
      grownKib,
      peerAddresses,
    }
    look?.(seen)
    return judge(seen)
  } finally {
    client.close()
    innocent.close()
  }
}
