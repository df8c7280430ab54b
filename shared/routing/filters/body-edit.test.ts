// What becomes of bodies that are edited, refused or decoded, however they are cut into pieces?
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { test } from 'tap'
import { assertProperty } from '../../testing/assert-property.ts'
import { compileContext, requestView, responseView } from '../testing/filter-stage.ts'
import { type BodyBlockFilter, bodyBlockKind } from './body-block.ts'
import { type BodyEditFilter, bodyEditKind } from './body-edit.ts'
import { decompressKind } from './decompress.ts'
import type { BodyStage, Stages } from './kind.ts'

/** Sends a body through the stages of a filter, in pieces; `onEnd` gets what comes out, or why it fails. */
function sendTo(
  stages: Stages,
  pieces: readonly Buffer[],
  coding: string | undefined,
  onEnd: (text: string) => void,
): void {
  const out: Buffer[] = []
  const next = {
    write(bytes: Buffer) {
      out.push(Buffer.from(bytes))
      return true
    },
    end: () => onEnd(Buffer.concat(out).toString('latin1')),
  }
  const control = {
    resume: () => {},
    forgetLength: () => {},
    fail: (code: string) => onEnd(`failed: ${code}`),
  }
  const fields = coding === undefined ? {} : { 'content-encoding': coding }
  const stage: BodyStage | undefined =
    stages.requestBody?.(requestView({ bodyLength: undefined }), next, control) ??
    stages.responseBody?.(responseView({ fields }), next, control)
  const sink = stage ?? next
  for (const piece of pieces) sink.write(piece)
  sink.end('')
}

/** The same, where it is over when the body is. */
function send(stages: Stages, pieces: readonly Buffer[]): string | undefined {
  let made: string | undefined
  sendTo(stages, pieces, undefined, (text) => {
    made = text
  })
  return made
}

const edit = (terms: Partial<BodyEditFilter>) =>
  bodyEditKind.compile(
    {
      kind: 'body-edit',
      on: 'response',
      pattern: 'foo',
      replacement: 'baz',
      maxBytes: 1 << 20,
      ...terms,
    },
    compileContext(),
  )

const texts: readonly {
  why: string
  terms: Partial<BodyEditFilter>
  pieces: string[]
  is: string
}[] = [
  { why: 'a match over a border', terms: {}, pieces: ['a fo', 'o b'], is: 'a baz b' },
  {
    why: 'replaced by nothing',
    terms: { pattern: 'foo ?', replacement: '' },
    pieces: ['foo\nbar foo\n'],
    is: '\nbar \n',
  },
  {
    why: 'groups',
    terms: { pattern: '(\\w)=(\\w)', replacement: '$2=${1}' },
    pieces: ['a=b'],
    is: 'b=a',
  },
  { why: 'a dollar sign of a literal', terms: { replacement: '$$1' }, pieces: ['foo'], is: '$1' },
  { why: 'lines', terms: { delimiter: '\n' }, pieces: ['foo\nfo', 'o\n'], is: 'baz\nbaz\n' },
  {
    why: 'a large body is edited in pieces',
    terms: { maxBytes: 3 },
    pieces: ['fooo', 'foo'],
    is: 'bazobaz',
  },
  {
    why: 'or fails',
    terms: { maxBytes: 3, failsAbove: true },
    pieces: ['fooo'],
    is: 'failed: body-too-large',
  },
  {
    why: 'bytes that are no text',
    terms: { pattern: 'a', replacement: 'b' },
    pieces: ['\xff\x00a'],
    is: '\xff\x00b',
  },
]

test('edited bodies', async (t) => {
  for (const { why, terms, pieces, is } of texts) {
    t.equal(
      await send(
        edit(terms),
        pieces.map((piece) => Buffer.from(piece, 'latin1')),
      ),
      is,
      why,
    )
  }
})

/** Cuts a text at some places. */
function cut(text: string, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b)
  return [...at, text.length].map((end, index) =>
    Buffer.from(text.slice(index === 0 ? 0 : at[index - 1], end), 'latin1'),
  )
}

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 30 })
const places = fc.array(fc.nat(30), { maxLength: 6 })

test('how a body is cut makes no difference', async (t) => {
  assertProperty(
    t,
    fc.property(letters, places, (text, cuts) => {
      const lines = edit({ pattern: 'ab', replacement: 'x', delimiter: '\n' })
      return (
        send(edit({ pattern: 'ab', replacement: 'x' }), cut(text, cuts)) ===
          text.replaceAll('ab', 'x') && send(lines, cut(text, cuts)) === text.replaceAll('ab', 'x')
      )
    }),
  )
})

test('a refused text is found wherever it is cut', async (t) => {
  const filter: BodyBlockFilter = {
    kind: 'body-block',
    texts: ['abba', 'bbb'].map((text) => Buffer.from(text).toString('base64')),
  }
  const stages = bodyBlockKind.compile(filter, compileContext())
  assertProperty(
    t,
    fc.property(letters, places, (text, cuts) => {
      const isBad = text.includes('abba') || text.includes('bbb')
      return send(stages, cut(text, cuts)) === (isBad ? 'failed: content-refused' : text)
    }),
  )
})

test('decoded bodies', async (t) => {
  const stages = decompressKind.compile({ kind: 'decompress' }, compileContext())
  const zipped = gzipSync('foo bar')
  const decode = (pieces: readonly Buffer[], coding?: string) =>
    new Promise((resolve) => sendTo(stages, pieces, coding, resolve))
  t.equal(await decode([zipped.subarray(0, 5), zipped.subarray(5)], 'gzip'), 'foo bar')
  t.equal(await decode([Buffer.from('foo')]), 'foo', 'what is not coded')
  t.equal(await decode([Buffer.from('foo')], 'gzip'), 'failed: upstream-malformed')
})
