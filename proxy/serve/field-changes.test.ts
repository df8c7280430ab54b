// Do many small changes of a head, prepared ones among them, leave the lines that a list of lines would show?
import fc from 'fast-check'
import t from 'tap'
import type { FieldEdits } from '../../shared/routing/filters/kind.ts'
import { assertProperty } from '../../shared/testing/assert-property.ts'
import { applyEdits, bothEdits, FieldChanges } from './field-changes.ts'

type Line = readonly [name: string, value: string]

interface Step {
  readonly act: 'set' | 'add' | 'drop' | 'apply'
  readonly name: string
  readonly value: string
  readonly edits: FieldEdits
}

const name = fc.constantFrom('a', 'b', 'c')
const value = fc.constantFrom('1', '2', '3')
const lines = fc.array(fc.tuple(name, value), { maxLength: 4 })
const edits = fc.record({ dropped: fc.uniqueArray(name), lines }).map(editsOf)
const step = fc.record({
  act: fc.constantFrom<Step['act']>('set', 'add', 'drop', 'apply'),
  name,
  value,
  edits,
})

function editsOf(given: { dropped: readonly string[]; lines: readonly Line[] }): FieldEdits {
  return { dropped: new Set(given.dropped), appended: textOf(given.lines) }
}

function textOf(all: readonly Line[]): string {
  return all.map(([name, value]) => `${name}: ${value}\r\n`).join('')
}

function linesOf(text: string): Line[] {
  const all = text.split('\r\n').slice(0, -1)
  return all.map((line): Line => [line.slice(0, 1), line.slice(3)])
}

/** One list of lines; each step acts on what the ones before it left. */
function changeNaively(before: readonly Line[], { act, name, value, edits }: Step): Line[] {
  if (act === 'apply') {
    return [...before.filter(([own]) => !edits.dropped.has(own)), ...linesOf(edits.appended)]
  }
  const left = act === 'add' ? before : before.filter(([own]) => own !== name)
  return act === 'drop' ? [...left] : [...left, [name, value]]
}

function change(changes: FieldChanges, { act, name, value, edits }: Step): void {
  if (act === 'apply') changes.apply(edits)
  else if (act === 'drop') changes.drop(name)
  else changes[act](name, value)
}

t.test('changes leave what a list of lines would show, also the second time', (t) => {
  const steps = fc.array(step, { maxLength: 6 })
  assertProperty(
    t,
    fc.property(lines, steps, fc.option(edits, { nil: undefined }), (head, steps, fixed) => {
      const changed = steps.reduce(changeNaively, head)
      const last: Step[] =
        fixed === undefined ? [] : [{ act: 'apply', name: '', value: '', edits: fixed }]
      const wanted = textOf(last.reduce(changeNaively, changed))
      // What is prepared is joined with `fixed` once: both rounds have to give the same.
      for (let round = 0; round < 2; round += 1) {
        const changes = new FieldChanges()
        for (const each of steps) change(changes, each)
        t.equal(applyEdits(textOf(head), bothEdits(changes, fixed)), wanted)
        for (const asked of ['a', 'b', 'c']) {
          const valuesOf = (all: readonly Line[]) =>
            all.flatMap(([own, value]) => (own === asked ? [value] : [])).join('\n') || undefined
          t.equal(
            changes.read(asked, () => valuesOf(head), '\n'),
            valuesOf(changed),
          )
        }
      }
    }),
  )
  t.end()
})

t.test('prepared edits are joined again when others are there', (t) => {
  const fixed = editsOf({ dropped: ['b'], lines: [['c', '9']] })
  for (const value of ['1', '2', '1']) {
    const changes = new FieldChanges()
    changes.apply(
      editsOf({
        dropped: ['a'],
        lines: [
          ['a', value],
          ['b', value],
        ],
      }),
    )
    t.equal(applyEdits('', bothEdits(changes, fixed)), `a: ${value}\r\nc: 9\r\n`)
  }
  t.end()
})
