// The store against servers that do not answer as they should; `npm run test:valkey` has the real ones.
import net from 'node:net'
import t, { type Test } from 'tap'
import { systemClock } from '../../shared/clock.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { storeScripts } from './scripts.ts'
import { type CallResult, createValkeyStore } from './valkey-store.ts'

t.test(
  'each script touches its given keys only, and what it writes leaves by itself',
  async (t) => {
    for (const [name, lua] of Object.entries(storeScripts)) {
      for (const [, command, first] of lua.matchAll(/redis\.call\('(\w+)'(?:, ([\w[\]]+))?/g)) {
        if (command !== 'TIME') t.equal(first, 'KEYS[1]', `${name}: ${command}`)
        if (command === 'SET') t.match(lua, /'PX'/, `${name}: ${command} without an end`)
      }
    }
  },
)

/** A server that gives `answer` to each command, by the command's name; undefined is silence. */
async function startServer(t: Test, answer: (command: string) => string | undefined) {
  const sockets = new Set<net.Socket>()
  const commands: string[] = []
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.setEncoding('latin1').on('data', (text: string) => {
      // `*COUNT $LENGTH NAME …`: the tests send no argument that looks like the begin of a command.
      for (const [, name = ''] of text.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        commands.push(name.toLowerCase())
        const bytes = answer(name.toLowerCase())
        if (bytes !== undefined) socket.write(bytes)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { commands, port: (server.address() as net.AddressInfo).port }
}

function connect(t: Test, port: number) {
  const results: CallResult[] = []
  const changes: { isUp: boolean; why: string }[] = []
  const store = createValkeyStore({
    url: `redis://127.0.0.1:${port}`,
    clock: systemClock,
    random: () => 0,
    onCall: (result) => void results.push(result),
    onChange: (isUp, why) => void changes.push({ isUp, why }),
  })
  t.teardown(() => store.close())
  const call = async (timeoutMs = 30) => {
    const start = performance.now()
    const error = await store.run('take', ['k'], ['1', '1'], timeoutMs).then(
      () => undefined,
      (cause: Error) => cause,
    )
    return { error, ms: performance.now() - start }
  }
  return { store, results, changes, call }
}

const info = '$16\r\nredis_version:7\n\r\n'
const healthy = (command: string) => (command === 'info' ? info : ':0\r\n')

t.test('a store that answers', async (t) => {
  const { port } = await startServer(t, healthy)
  const { changes, results, call, store } = connect(t, port)
  await eventually('it is up', () => changes.length > 0)
  t.strictSame(changes, [{ isUp: true, why: '' }])
  t.equal((await call()).error, undefined)
  t.strictSame(results, ['answered'])
  await t.rejects(store.run('unknown', [], [], 30), 'a script that is not in the table')
})

t.test('a store that is not there costs nothing', async (t) => {
  // Nobody listens on port 1 of the loopback.
  const { results, changes, call } = connect(t, 1)
  await eventually('it is told', () => changes.length > 0)
  t.match(changes, [{ isUp: false, why: /ECONNREFUSED/ }])
  t.ok((await call(10_000)).ms < 1000, 'nobody waits for the time of the call')
  t.strictSame(results, ['skipped'])
})

t.test('a connection that nobody answers is never up', async (t) => {
  const { port } = await startServer(t, () => undefined)
  const { changes, results, call } = connect(t, port)
  t.match((await call()).error, { message: 'the store is down' })
  await eventually('it is told', () => changes.length > 0)
  t.match(changes, [{ isUp: false }])
  t.strictSame(results, ['skipped'])
})

t.test('five calls in a row without an answer and the store is left alone', async (t) => {
  let isSilent = true
  const { port, commands } = await startServer(t, (command) =>
    command === 'info' || !isSilent ? healthy(command) : undefined,
  )
  const { changes, results, call } = connect(t, port)
  await eventually('it is up', () => changes.length === 1)
  const calls = await Promise.all(Array.from({ length: 5 }, () => call(30)))
  for (const { error, ms } of calls) {
    t.match(error, { message: 'the store did not answer in time' })
    t.ok(ms >= 29 && ms < 1000, `${ms} ms`)
  }
  t.match(changes[1], { isUp: false, why: /in time/ })
  t.equal((await call(10_000)).error?.message, 'the store is down')
  t.strictSame(results, [...Array(5).fill('late'), 'skipped'])
  isSilent = false
  await eventually('it is up again', () => changes.length === 3)
  let last = await call()
  while (last.error !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    last = await call()
  }
  t.equal(results.at(-1), 'answered', 'after its pause')
  t.ok(commands.length > 6)
})

t.test('one call that is late is forgiven by the next answer', async (t) => {
  let count = 0
  const { port } = await startServer(t, (command) => {
    if (command === 'info') return info
    count += 1
    return count % 4 === 0 ? ':0\r\n' : '-ERR no\r\n'
  })
  const { changes, results, call } = connect(t, port)
  await eventually('it is up', () => changes.length === 1)
  for (let at = 0; at < 12; at += 1) await call()
  t.equal(results.filter((result) => result === 'failed').length, 9)
  t.equal(changes.length, 1, 'it stays up')
})

t.test('a script that the store does not know is sent whole, once', async (t) => {
  const { port, commands } = await startServer(t, (command) => {
    if (command === 'info') return info
    return command === 'evalsha' ? '-NOSCRIPT No matching script.\r\n' : ':7\r\n'
  })
  const { changes, store } = connect(t, port)
  await eventually('it is up', () => changes.length === 1)
  t.equal(await store.run('take', ['k'], ['1', '1'], 1000), 7)
  t.strictSame(
    commands.filter((command) => command.startsWith('eval')),
    ['evalsha', 'eval'],
  )
})
