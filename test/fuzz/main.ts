// Does the proxy hold whatever a client or an upstream sends? `npm run fuzz -- --minutes N [--seed N] [--replay FILE]`
// With `--target eskip`: does the parser of eskip hold whatever text it gets?
//
// Invariants, checked after each batch of connections: no exception, every connection ends, the upstream gets only what the
// strict grammar finds in what was sent, everybody gets HTTP, nothing is left in flight, and plain requests are answered.
import { readFileSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { parseArgs } from 'node:util'
import { startInProcess } from '../support/in-process.ts'
import { fuzzEskip } from './eskip.ts'
import { cutAnywhere, mutate } from './mutate.ts'
import { type Input, play } from './play.ts'
import { createRandom } from './random.ts'
import { requestSeeds, scriptedRequest } from './seeds.ts'
import { FuzzUpstream } from './upstream.ts'

const batchSize = 256
const failureFile = 'fuzz-failure.json'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    replay: { type: 'string' },
    target: { type: 'string', default: 'proxy' },
  },
})

if (values.target === 'eskip') {
  const { minutes, seed } = values
  process.exit(fuzzEskip(Number(minutes) * 60_000, Number(seed)))
}

const upstream = new FuzzUpstream()
await upstream.start()
// Short, so that a connection on which nothing happens ends soon; not so short that a busy machine runs into them.
const limits = ['header', 'body-idle', 'keep-alive', 'write', 'tunnel-idle']
const proxy = await startInProcess({
  flags: [
    ...limits.flatMap((name) => [`--${name}-timeout-ms`, '1000']),
    ...['--response-timeout-ms', '3000'],
  ],
  endpoints: { web: [{ address: '127.0.0.1', port: upstream.port }] },
})

/** Makes the input with this number; the same seed gives the same. */
function makeInput(seed: number, number: number): Input {
  const random = createRandom(seed + number * 7919)
  const scripted = scriptedRequest(random.below(2 ** 31), random.pick(['GET', 'HEAD', 'POST']))
  const text = random.oneIn(4)
    ? scripted + random.pick(requestSeeds)
    : mutate(random.pick(requestSeeds), requestSeeds, random)
  // Who stays open has to be timed out: such batches take longer.
  const mayStay = Math.floor(number / batchSize) % 16 === 15
  return { pieces: cutAnywhere(text, random), isHalfClosed: !mayStay || random.oneIn(2) }
}

/** Plays all inputs at once; the first problem found, or undefined. */
async function runBatch(inputs: readonly Input[]): Promise<string | undefined> {
  upstream.begin()
  const retriesBefore = proxy.counter('weir_retries_total')
  const plain = plainRequest()
  const played = await Promise.all(inputs.map((input) => play(proxy.port, input)))
  const problem = played.find((each) => each.problem !== undefined)?.problem
  if (problem !== undefined) return problem
  if (upstream.problems[0] !== undefined) return upstream.problems[0]
  const found = played.reduce((sum, { requests }) => sum + requests, 0)
  const retries = proxy.counter('weir_retries_total') - retriesBefore
  if (upstream.requests > found + retries) {
    return `${upstream.requests} requests went on, ${found} came, ${retries} were tried again`
  }
  return (await plain) ?? (await plainRequest()) ?? (await leftOver())
}

let plains = 0

/** An innocent request; says what is wrong with its answer. */
async function plainRequest(): Promise<string | undefined> {
  plains += 1
  const target = `/plain-${plains}`
  const response = await getPlainly(target).catch((error: unknown) => String(error))
  return response === `200 ${target}` ? undefined : `a plain request got ${response}`
}

function getPlainly(path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const options = { port: proxy.port, host: '127.0.0.1', path, headers: { host: 'a.test' } }
  get({ ...options, agent: false }, (response) => {
    let text = `${response.statusCode} `
    response.on('data', (bytes: Buffer) => {
      text += bytes.toString()
    })
    response.on('end', () => resolve(text)).on('error', reject)
  }).on('error', reject)
  return promise
}

/** Requests that nobody waits for any more must be gone soon. */
async function leftOver(): Promise<string | undefined> {
  for (let tries = 0; tries < 300 && proxy.plane.inFlight !== 0; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const { inFlight } = proxy.plane
  return inFlight === 0 ? undefined : `${inFlight} requests are left in flight`
}

/** Finds inputs of a failed batch that fail alone; all of them when none does. */
async function narrow(inputs: readonly Input[]): Promise<readonly Input[]> {
  for (const input of inputs) {
    if ((await runBatch([input])) !== undefined) return [input]
  }
  return inputs
}

async function fail(inputs: readonly Input[], problem: string): Promise<never> {
  const few = await narrow(inputs)
  writeFileSync(failureFile, JSON.stringify(few, undefined, 1))
  console.log(`FAILED after ${executions} executions: ${problem}`)
  for (const input of few.slice(0, 3)) console.log(JSON.stringify(input))
  console.log(`reproduce: npm run fuzz -- --replay ${failureFile}`)
  process.exit(1)
}

let current: readonly Input[] = []
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error: Error) => {
    writeFileSync(failureFile, JSON.stringify(current, undefined, 1))
    console.log(`FAILED: ${event}: ${error.stack}\nreproduce: --replay ${failureFile}`)
    process.exit(1)
  })
}

if (values.replay !== undefined) {
  current = JSON.parse(readFileSync(values.replay, 'utf8'))
  const problem = await runBatch(current)
  console.log(problem ?? 'nothing is wrong with it')
  process.exit(problem === undefined ? 0 : 1)
}

const seed = Number(values.seed)
const startedAt = performance.now()
const endsAt = startedAt + Number(values.minutes) * 60_000
let executions = 0
console.log(`seed ${seed}`)
for (let reportAt = startedAt + 30_000; performance.now() < endsAt; ) {
  current = Array.from({ length: batchSize }, (_, at) => makeInput(seed, executions + at))
  const problem = await runBatch(current)
  if (problem !== undefined) await fail(current, problem)
  executions += batchSize
  if (performance.now() < reportAt) continue
  reportAt += 30_000
  report()
}
report()
await proxy.close()
upstream.stop()

function report(): void {
  const seconds = (performance.now() - startedAt) / 1000
  const rate = (executions / seconds).toFixed(0)
  console.log(`${executions} executions in ${seconds.toFixed(0)} s (${rate}/s), no problem`)
}
