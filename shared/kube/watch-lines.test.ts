import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../testing/assert-property.ts'
import { createLineSplitter } from './watch-lines.ts'

t.test('lines come out whole, however their bytes were packed', async (t) => {
  const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((s) => s.replaceAll('\n', ''))
  assertProperty(
    t,
    fc.property(fc.array(line), line, fc.array(fc.nat({ max: 9 })), (lines, rest, cuts) => {
      const bytes = Buffer.from(lines.map((one) => `${one}\n`).join('') + rest)
      const splitter = createLineSplitter()
      const seen: string[] = []
      let start = 0
      for (const cut of cuts) {
        seen.push(...splitter.push(bytes.subarray(start, start + cut)))
        start += cut
      }
      seen.push(...splitter.push(bytes.subarray(start)))
      t.strictSame(
        seen,
        lines.filter((one) => one.trim() !== ''),
      )
      t.equal(splitter.hasRest(), rest !== '')
    }),
    { numRuns: 200 },
  )
})
