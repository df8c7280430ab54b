import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { createLineSink, createLog } from './log.ts'

t.test('a log line is JSON with level, time, fields and message', async (t) => {
  const lines: string[] = []
  const log = createLog({ level: 'info', stream: { write: (line) => lines.push(line) } })
  log.child({ part: 'feed' }).warn({ routes: 3 }, 'loaded')
  log.debug({}, 'below the level')
  log.error({ error: new Error('outer', { cause: new Error('inner') }) }, 'failed')
  t.equal(lines.length, 2)
  const [first, second] = lines.map((line) => JSON.parse(line))
  t.match(first, { level: 'warn', part: 'feed', routes: 3, msg: 'loaded', time: /^\d{4}-.*Z$/ })
  t.match(second, { level: 'error', error: { message: 'outer', cause: { message: 'inner' } } })
})

t.test(
  'a sink writes every line before it closes, and drops later ones with a count',
  async (t) => {
    const path = join(t.testdir(), 'lines')
    const fd = openSync(path, 'w')
    t.teardown(() => {
      // The sink closes a descriptor that is not stdout or stderr itself.
      try {
        closeSync(fd)
      } catch {}
    })
    let dropped = 0
    const sink = createLineSink({
      fd,
      maxBufferedBytes: 1e6,
      onDrop: (lines) => {
        dropped += lines
      },
    })
    const expected = Array.from({ length: 2000 }, (_, index) => `line ${index}\n`)
    for (const line of expected) sink.write(line)
    await sink.close(10_000)
    sink.write('one\ntwo\n')
    t.equal(readFileSync(path, 'utf8'), expected.join(''))
    t.equal(dropped, 2)
  },
)

// The programs run as children: what happens to a process at its end is the thing judged.
const program = (body: string) => `
  import { createLineSink } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)}
  let dropped = 0
  const onDrop = (lines) => { dropped += lines }
  const sink = createLineSink({ fd: 1, maxBufferedBytes: 100_000, onDrop })
  ${body}`

async function run(t: Test, body: string) {
  const path = join(t.testdir(), 'program.mts')
  writeFileSync(path, program(body))
  const child = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

t.test('what is buffered is written when the process exits', async (t) => {
  const child = await run(t, `sink.write('last words\\n'); process.exit(3)`)
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  t.equal(stdout, 'last words\n')
  t.equal(code, 3)
})

const fill = `for (let i = 0; i < 50_000; i++) sink.write('x'.repeat(99) + '\\n')`

t.test('a reader that stalls costs lines, never time', async (t) => {
  const child = await run(
    t,
    `${fill}; console.error(dropped); await sink.close(100); process.exit(0)`,
  )
  child.stdout.pause()
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  t.ok(Number(stderr) > 48_000, `${stderr.trim()} of 50000 lines were dropped`)
  t.equal(code, 0)
})

t.test('a reader that left does not end or hang the process', async (t) => {
  const child = await run(
    t,
    `setInterval(() => { ${fill}; if (dropped > 500_000) process.exit(7) }, 10)`,
  )
  child.stdout.destroy()
  const [code] = await once(child, 'exit')
  t.equal(code, 7)
})
