// One run: the innocent client before, the case, the innocent client during and after, then what was seen.
import { networkInterfaces } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { RawClient, RawResponse } from '../support/raw-client.ts'
import type { Lane, OpenCase, Variant } from './case-client.ts'
import { bytesOf, clientParts, type HostileCase } from './cases.ts'
import { connectTo, getPlainly } from './client.ts'
import { judge, type Verdict } from './judge.ts'
import { innocentPrefix, type SeenRequest } from './recorder.ts'
import type { Seen } from './seen.ts'

// A "destroyed" upstream connection is closed within 1 s (cases/README).
const destroyedWithinMs = 1000

const peerAddresses = [
  '127.0.0.1',
  ...Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  ),
]

let innocentCount = 0

const innocentTarget = () => `${innocentPrefix}${++innocentCount}`

async function innocentGet(client: RawClient, problems: string[], when: string): Promise<void> {
  const target = innocentTarget()
  problems.push(...wrongWith(await getPlainly(client, 'a.test', target), target, when))
}

function wrongWith(answer: RawResponse | undefined, target: string, when: string): string[] {
  if (answer === undefined) return [`innocent ${when}: no answer`]
  if (answer.status !== 200) return [`innocent ${when}: status ${answer.status}`]
  const isOwn = answer.body.includes(`"target":"${target}"`)
  return isOwn ? [] : [`innocent ${when}: somebody else's answer`]
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
  open: OpenCase,
): Promise<Verdict> {
  const { target, recorder } = lane
  const innocentProblems: string[] = []
  const innocent = await connectTo(target.host, target.port)
  const client = await open(lane, hostile, variant)
  try {
    recorder.begin(undefined)
    await innocentGet(innocent, innocentProblems, 'before')
    if (variant.reusedConnection) {
      const target = innocentTarget()
      const answer = await client.warmUp(target)
      innocentProblems.push(...wrongWith(answer, target, 'on the same connection'))
    }
    const backend = hostile.backendSends
    recorder.begin(backend && { parts: backend, segmentation: variant.segmentation })
    // A case about a reused upstream connection wants the idle one for itself.
    const during =
      hostile.onReusedConnection === true
        ? Promise.resolve()
        : innocentGet(innocent, innocentProblems, 'during')
    const grownKib = await client.play(lane)
    await client.whenOver(lane)
    await during
    // Idle for longer than the scaled keep-alive timeout, the first connection may be closed by right.
    const later =
      innocent.ended === 'open' && innocent.socket.writable
        ? innocent
        : await connectTo(target.host, target.port)
    await innocentGet(later, innocentProblems, 'after')
    later.close()
    const view = client.view()
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
    return judge({
      ...view,
      hostile,
      segmentation: variant.segmentation,
      reusedConnection: variant.reusedConnection,
      sent: bytesOf(clientParts(hostile)),
      requests: gather(hostileRequests(), recorder.requests),
      innocentProblems,
      scriptEndedAt: recorder.scriptEndedAt,
      grownKib,
      peerAddresses,
    })
  } finally {
    client.close()
    innocent.close()
  }
}
