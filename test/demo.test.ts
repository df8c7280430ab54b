// The demo as a user meets it: `npm start`, the printed lines one by one, Ctrl-C.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { eventually } from '../shared/testing/eventually.ts'

const demoMain = fileURLToPath(new URL('../proxy/demo/main.ts', import.meta.url))
const startMs = 60_000

interface Demo {
  readonly child: ChildProcess
  readonly output: { stdout: string; stderr: string }
  readonly exit: Promise<unknown[]>
}

function startDemo(t: Test, flags: readonly string[]): Demo {
  const child = spawn(process.execPath, [demoMain, '--workers', '1', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exit
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (bytes) => {
    output.stdout += bytes
  })
  child.stderr.on('data', (bytes) => {
    output.stderr += bytes
  })
  return { child, output, exit }
}

/** Starts a demo on ports of the system's choice and gives the curl lines that it printed. */
async function startReady(t: Test): Promise<Demo & { lines: string[] }> {
  const demo = startDemo(t, ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'])
  const isPrinted = () => demo.output.stdout.includes('Ctrl-C ends the demo')
  await eventually('the guide is printed', isPrinted, undefined, startMs)
  const lines = demo.output.stdout.split('\n').filter((line) => line.startsWith('  curl '))
  return { ...demo, lines: lines.map((line) => line.trim()) }
}

/** Splits a command as a shell does that knows words and single quotes only. */
function wordsOf(line: string): string[] {
  return (line.match(/(?:'[^']*'|[^\s'])+/g) ?? []).map((word) => word.replaceAll("'", ''))
}

/** Does what the curl line says; fails on an option that it does not know. */
function run(line: string): Promise<{ response: IncomingMessage; body: () => Promise<string> }> {
  const [, ...words] = wordsOf(line)
  const headers: Record<string, string> = {}
  let url = ''
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    if (word === '-H') {
      i += 1
      const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(words[i] ?? '') ?? []
      headers[name] = value
    } else if (word === '--max-time') i += 1
    else if (/^http:/.test(word)) url = word
    else if (!['-i', '-N'].includes(word)) throw new Error(`unknown option ${word} in ${line}`)
  }
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers, agent: false }, (response) =>
      resolve({ response, body: () => text(response) }),
    )
    sent.on('upgrade', (response: IncomingMessage, socket, early: Buffer) => {
      let received = early.toString('hex')
      // The text frame "hi", masked by 01020304, then a close frame.
      socket.write(Buffer.from('818201020304696b888001020304', 'hex'))
      const body = async () => {
        for await (const bytes of socket) received += Buffer.from(bytes).toString('hex')
        return received
      }
      resolve({ response, body })
    })
    sent.on('error', reject)
    sent.end()
  })
}

const expectations: readonly { part: string; status: number; body: RegExp; why: string }[] = [
  {
    part: 'shop.localhost.*/$',
    status: 200,
    body: /^Hello from web: GET \/ /,
    why: 'the shop answers',
  },
  {
    part: '/v1/hello$',
    status: 200,
    body: /"x-forwarded-host": "api.localhost"/,
    why: 'the API shows forwarded fields',
  },
  {
    part: '/cart/items$',
    status: 200,
    body: /^Hello from cart: GET \/cart\/items/,
    why: 'a prefix matches',
  },
  {
    part: '/cart/total$',
    status: 200,
    body: /"service": "api"[\s\S]*"url": "\/cart\/total"/,
    why: 'exact beats prefix',
  },
  { part: '/v2$', status: 404, body: /no-route/, why: 'what no rule names is 404' },
  {
    part: 'events=',
    status: 200,
    body: /^id: 1\ndata: [\s\S]*id: 5\ndata: .*\n\n$/,
    why: 'the clock ticks',
  },
  { part: '/echo$', status: 101, body: /^810268698800$/, why: 'the WebSocket echoes and closes' },
  {
    part: 'problems',
    status: 200,
    body: /"reason":"conflict".*"name":"shop-copy"/,
    why: 'the conflict is listed',
  },
  { part: '/routes$', status: 200, body: /"host":"shop.localhost"/, why: 'routes are listed' },
  { part: '/metrics$', status: 200, body: /^weir_routes /m, why: 'metrics are served' },
]

t.test('every printed line works as printed, and Ctrl-C ends all at once', async (t) => {
  const { child, output, exit, lines } = await startReady(t)
  t.equal(lines.length, expectations.length, 'each line has its expectation below')
  for (const { part, status, body, why } of expectations) {
    const line = lines.find((printed) => new RegExp(part).test(printed.replaceAll("'", '')))
    const answer = await run(line ?? `no line with ${part}`)
    t.equal(answer.response.statusCode, status, why)
    t.match(await answer.body(), body, why)
  }

  const loser = lines.find((line) => line.endsWith('/cart/items')) ?? ''
  const sale = await run(loser.replace('/cart/items', '/sale'))
  t.match(await sale.body(), 'Hello from web', 'the rest of the losing Ingress is served')

  // A stream that would never end must not hold up the end.
  const clock = lines.find((line) => line.includes('/clock')) ?? ''
  const endless = await run(clock.replace('?events=5', ''))
  const cut = endless.body().catch(() => 'cut')
  child.kill('SIGINT')
  child.kill('SIGINT')
  const [code] = await exit
  t.equal(code, 0, output.stderr)
  await cut
})

t.test('with its upstream ports taken, the demo serves from others', async (t) => {
  const blocker = createServer().listen(18_080, '127.0.0.1')
  // When a parallel demo has the port already, it is the blocker.
  blocker.on('error', () => undefined)
  t.teardown(() => blocker.close())
  const { child, exit, lines, output } = await startReady(t)
  t.notMatch(output.stdout, 'web :18080')
  const answer = await run(lines[0] ?? '')
  t.match(await answer.body(), 'Hello from web')
  child.kill('SIGTERM')
  t.equal((await exit)[0], 0)
})

for (const flag of ['--listen', '--admin']) {
  t.test(`a busy port for ${flag} is named, with how to choose another`, async (t) => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    t.teardown(() => blocker.close())
    const { port } = blocker.address() as AddressInfo
    const other = flag === '--listen' ? '--admin' : '--listen'
    const { exit, output } = startDemo(t, [flag, `127.0.0.1:${port}`, other, '127.0.0.1:0'])
    t.equal((await exit)[0], 1)
    t.match(output.stderr, new RegExp(`port ${port} is in use.*${flag}`))
    t.notMatch(output.stdout, 'Weir runs')
  })
}

t.test('a wrong flag is explained, with the exit code of the proxy', async (t) => {
  const { exit, output } = startDemo(t, ['--lisen', ':1'])
  t.equal((await exit)[0], 2)
  t.match(output.stderr, '--lisen is not an option: did you mean --listen?')
})

t.test('a demo that is killed takes its proxy along', async (t) => {
  const { child, lines } = await startReady(t)
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(lines[0] ?? '')?.[1])
  child.kill('SIGKILL')
  let isFree = false
  const probe = () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => socket.destroy())
    socket.on('error', () => {
      isFree = true
    })
  }
  await eventually('the data port is free', () => isFree, probe, startMs)
})
