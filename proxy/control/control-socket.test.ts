import { once } from 'node:events'
import {
  existsSync,
  linkSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { type ControlStatus, maxControlLineBytes } from '../../shared/control-socket.ts'
import { createLog } from '../../shared/log.ts'
import { eventually } from '../../shared/testing/eventually.ts'
import { type ControlSocketOptions, startControlSocket } from './control-socket.ts'

const serving: ControlStatus = { state: 'serving', inFlight: 3, proxyProtocol: 'off', h2c: true }
const log = createLog({ level: 'error' })

function tempPath(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'control.sock')
}

/** A control socket that writes down what it was asked to do. */
async function start(t: Test, options: Partial<ControlSocketOptions> = {}) {
  const path = options.path ?? tempPath(t)
  const done: string[] = []
  const socket = await startControlSocket({
    path,
    log,
    status: () => serving,
    onHold: ({ boundSeconds }) => void done.push(`hold ${boundSeconds}`),
    onDrain: ({ reason, boundSeconds }) => void done.push(`drain ${reason} ${boundSeconds}`),
    onReleased: () => void done.push('released'),
    ...options,
  })
  t.teardown(() => socket.close())
  return { path, done, socket }
}

/** Sends `bytes`, shuts down its side, and gives all replies. */
async function ask(path: string, bytes: string): Promise<unknown[]> {
  const socket = connect(path)
  socket.on('error', () => undefined)
  socket.end(bytes)
  const replies = await text(socket).catch(() => '')
  return replies
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

/** Resolves when the connection is over, in whatever way. */
function goneOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.on('close', () => resolve()))
}

async function open(path: string): Promise<Socket> {
  const socket = connect(path)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

const status = '{"op":"status"}\n'
const refused = { ok: false, error: 'not a control request' }

const conversations = [
  { why: 'status is answered', bytes: status, replies: [serving], done: [] },
  {
    why: 'drain is done',
    bytes: '{"op":"drain","reason":"node leaves","boundSeconds":30}\n',
    replies: [{ ok: true }],
    done: ['drain node leaves 30'],
  },
  {
    why: 'hold is done',
    bytes: '{"op":"hold","boundSeconds":300}\n',
    replies: [{ ok: true }],
    done: ['hold 300'],
  },
  {
    why: 'released is done',
    bytes: '{"op":"released"}\n',
    replies: [{ ok: true }],
    done: ['released'],
  },
  {
    why: 'replies come in order, also after a line that is not understood',
    bytes: `nonsense\n${status}{"op":"drain"}\n[]\n\n{"op":"released"}\n`,
    replies: [refused, serving, refused, refused, refused, { ok: true }],
    done: ['released'],
  },
  {
    why: 'bytes that are not UTF-8 are not understood',
    bytes: '\uDC00\n',
    replies: [refused],
    done: [],
  },
  {
    why: 'a line without its end is no request',
    bytes: '{"op":"released"}',
    replies: [],
    done: [],
  },
  {
    why: 'a longest line is read',
    bytes: `${status.trim().padEnd(maxControlLineBytes)}\n`,
    replies: [serving],
    done: [],
  },
  {
    why: 'a longer line ends the connection',
    bytes: `${status.trim().padEnd(maxControlLineBytes + 1)}\n${status}`,
    replies: [{ ok: false, error: 'control line too long' }],
    done: [],
  },
]

for (const { why, bytes, replies, done } of conversations) {
  t.test(why, async (t) => {
    const control = await start(t)
    t.same(await ask(control.path, bytes), replies)
    t.same(control.done, done)
    t.same(await ask(control.path, status), [serving], 'the next client is served')
  })
}

t.test('an endless line ends the connection without being kept', async (t) => {
  const { path } = await start(t)
  const client = await open(path)
  const replies = text(client).catch(() => 'cut')
  const isGone = goneOf(client)
  client.write('x'.repeat(1 << 20))
  await isGone
  t.match(await replies, /control line too long|cut|^$/)
})

t.test('a handler that fails answers with its error', async (t) => {
  const { path } = await start(t, {
    log: createLog({ level: 'error', stream: { write: () => undefined } }),
    status: async () => Promise.reject(new Error('workers do not answer')),
    onDrain: () => {
      throw new Error('cannot drain')
    },
  })
  t.same(await ask(path, `${status}{"op":"drain","reason":"","boundSeconds":0}\n`), [
    { ok: false, error: 'workers do not answer' },
    { ok: false, error: 'cannot drain' },
  ])
})

t.test('only the owner may use it, from the first moment', async (t) => {
  const { path, socket } = await start(t)
  t.equal(statSync(path).mode & 0o777, 0o600)
  await socket.close()
  t.notOk(existsSync(path), 'closing removes it')
})

t.test('the socket of a process that is gone is replaced', async (t) => {
  const path = tempPath(t)
  // A second name keeps the file when its listener closes, as after a crash.
  const dead = createServer().listen(path)
  await once(dead, 'listening')
  linkSync(path, `${path}.kept`)
  dead.close()
  await once(dead, 'close')
  renameSync(`${path}.kept`, path)
  await start(t, { path })
  t.same(await ask(path, status), [serving])
})

t.test('the socket of a living process is left alone', async (t) => {
  const first = await start(t)
  await t.rejects(start(t, { path: first.path }), {
    message: `cannot open the control socket ${first.path}: another process listens on it`,
  })
  t.same(await ask(first.path, status), [serving])
})

t.test('a file that is no socket is left alone', async (t) => {
  const path = tempPath(t)
  writeFileSync(path, 'precious')
  await t.rejects(start(t, { path }), { message: /exists and is not a socket/ })
  t.ok(existsSync(path))
})

t.test('a folder that does not exist is named', async (t) => {
  const path = join(tempPath(t), 'none', 'control.sock')
  await t.rejects(start(t, { path }), { message: new RegExp(`cannot open .*${path}`) })
})

t.test('clients that do nothing are closed, and the next one is served', async (t) => {
  const { path } = await start(t, { idleTimeoutMs: 50 })
  let open = 0
  const idle = Array.from({ length: 40 }, () => connect(path))
  for (const client of idle) {
    open += 1
    client.on('error', () => undefined)
    client.on('close', () => {
      open -= 1
    })
    client.resume()
  }
  await eventually('all idle clients are closed', () => open === 0)
  t.same(await ask(path, status), [serving])
})

t.test('a client that asks without end and never reads holds up nobody', async (t) => {
  const { path } = await start(t, { idleTimeoutMs: 200 })
  const greedy = await open(path)
  greedy.pause()
  const isGone = goneOf(greedy)
  for (let i = 0; i < 200; i++) greedy.write(status.repeat(200))
  t.same(await ask(path, status), [serving])
  greedy.destroy()
  await isGone
})

t.test('closing does not wait for open connections', async (t) => {
  const { path, socket } = await start(t)
  const client = await open(path)
  client.resume()
  const isGone = goneOf(client)
  await socket.close()
  await isGone
})
