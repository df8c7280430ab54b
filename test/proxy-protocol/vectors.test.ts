// Every PROXY protocol vector in four segmentations over sockets: who is the client, and does a wrong header end the connection?
import t from 'tap'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { type InProcess, startInProcess } from '../support/in-process.ts'
import { connectRaw, type RawResponse } from '../support/raw-client.ts'
import { echoFields, readEcho, startEcho } from '../support/upstream.ts'
import {
  addressOf,
  hasSecondHeader,
  portOf,
  readVectors,
  segmentations,
  type Vector,
} from './vectors.ts'

const connectionsAtATime = 16
const headerTimeoutMs = 5000

const vectors = readVectors()
t.equal(vectors.length, 89, 'every vector was read')

const web = await startEcho('web')
const clock = new ManualClock()
const dataPlane = await startInProcess({
  clock,
  endpoints: { web: [web] },
  flags: ['--proxy-protocol', 'required', '--proxy-protocol-from', '127.0.0.1/32'],
})
t.teardown(async () => {
  await dataPlane.close()
  await web.close()
})

for (const vector of vectors) {
  t.test(`${vector.id}: ${vector.name}`, async (t) => {
    const header = Buffer.from(vector.hex, 'hex')
    const payload = Buffer.from(vector.payloadHex, 'hex')
    for (const { name, cuts } of segmentations) {
      const before = web.requests.length
      const plays = cuts(header, payload)
      const isWaiting = vector.expect.result === 'wait-then-reject'
      const problems = isWaiting
        ? await playWaiting(dataPlane, plays)
        : await playAll(dataPlane, vector, plays)
      t.same(problems.wrong, [], `${name}, ${plays.length} connections`)
      t.equal(web.requests.length - before, problems.served, 'nothing else goes upstream')
    }
  })
}

interface Played {
  readonly wrong: readonly string[]
  readonly served: number
}

async function playAll(
  { port }: InProcess,
  vector: Vector,
  plays: readonly (readonly Buffer[])[],
): Promise<Played> {
  const wrong: string[] = []
  let served = 0
  for (let at = 0; at < plays.length; at += connectionsAtATime) {
    const batch = plays.slice(at, at + connectionsAtATime)
    const outcomes = await Promise.all(batch.map((parts) => playOne(port, vector, parts)))
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.isServed) served += 1
      if (outcome.problem !== '') wrong.push(`play ${at + index}: ${outcome.problem}`)
    }
  }
  return { wrong, served }
}

interface Outcome {
  /** Empty: as it should be. */
  readonly problem: string
  readonly isServed: boolean
}

async function playOne(port: number, vector: Vector, parts: readonly Buffer[]): Promise<Outcome> {
  const client = await connectRaw(port)
  try {
    await client.sendParts(parts)
    if (vector.name.includes('then FIN')) client.end()
    const response = await client.head().catch(() => undefined)
    if (response === undefined) return judgeClosed(vector, client.text)
    await client.until(() => response.complete, 'a whole response').catch(() => undefined)
    return judge(vector, response)
  } finally {
    client.close()
  }
}

function judgeClosed(vector: Vector, text: string): Outcome {
  const mayClose =
    vector.expect.result === 'reject' ||
    vector.expect.level !== undefined ||
    hasSecondHeader(vector)
  if (!mayClose) return { problem: 'closed instead of served', isServed: false }
  return { problem: text === '' ? '' : `closed after ${JSON.stringify(text)}`, isServed: false }
}

function judge(vector: Vector, response: RawResponse): Outcome {
  const isServed = response.status === 200
  if (vector.expect.result !== 'accept') {
    const isRight = isServed && vector.expect.level !== undefined
    return { problem: isRight ? '' : `answered ${response.status}`, isServed }
  }
  if (hasSecondHeader(vector)) {
    const problem = response.status === 400 ? '' : `second header: ${response.status}`
    return { problem, isServed }
  }
  return { problem: isServed ? judgeFacts(vector, response) : `${response.status}`, isServed }
}

function judgeFacts({ expect }: Vector, response: RawResponse): string {
  const isSocket = expect.useSocketAddress === true || expect.src === undefined
  const client = isSocket ? '127.0.0.1' : addressOf(expect.src ?? '')
  const right = { 'x-forwarded-for': client, 'x-real-ip': client, 'x-forwarded-proto': 'http' }
  // Without a destination it is that of the scheme: Host names none.
  const port = isSocket ? '80' : portOf(expect.dst ?? '')
  const got = Object.entries({ ...right, 'x-forwarded-port': port }).map(([name, value]) => {
    const values = echoFields(readEcho(response.body), name)
    return values.length === 1 && values[0] === value ? '' : `${name}: ${values} is not ${value}`
  })
  return got.filter((problem) => problem !== '').join('; ')
}

/** Plays all connections at once: none may end before the header's time is over, all must end then. */
async function playWaiting(
  { port }: InProcess,
  plays: readonly (readonly Buffer[])[],
): Promise<Played> {
  const wrong: string[] = []
  const clients = await Promise.all(plays.map(() => connectRaw(port)))
  await Promise.all(clients.map((client, at) => client.sendParts(plays[at] ?? [])))
  await settle()
  clock.advance(headerTimeoutMs - 200)
  await settle()
  for (const client of clients) if (client.ended !== 'open') wrong.push('ended too early')
  clock.advance(400)
  for (const client of clients) {
    const end = await client.whenEnded().catch(() => 'open')
    if (end === 'open' || client.text !== '') wrong.push(`${end} with ${client.text}`)
    client.close()
  }
  return { wrong, served: 2 }

  // A connection that came later is served, so the ones before it were accepted and read.
  async function settle(): Promise<void> {
    const local = 'PROXY UNKNOWN\r\nGET /settle HTTP/1.1\r\nHost: a.test\r\n\r\n'
    const client = await connectRaw(port)
    client.send(local)
    await client.response()
    client.close()
  }
}
