import t from 'tap'
import { parseYamlDocuments } from './yaml.ts'

const cases = [
  {
    text: 'a: 1\n---\nb: 2\n',
    documents: [{ a: 1 }, { b: 2 }],
    lines: [],
    why: 'several documents',
  },
  { text: '---\n---\na: 1\n---\n', documents: [{ a: 1 }], lines: [], why: 'empty documents' },
  { text: '# only a comment\n', documents: [], lines: [], why: 'a comment is no document' },
  { text: '{"a": [1, "b"]}', documents: [{ a: [1, 'b'] }], lines: [], why: 'JSON is YAML' },
  {
    text: 'a: 1\n---\nb: [1\n---\nc: 3\n',
    documents: [{ a: 1 }, { c: 3 }],
    lines: [4],
    why: 'one is broken',
  },
  {
    text: 'a: 1\nb: *nobody\n',
    documents: [],
    lines: [1],
    why: 'an alias to nothing: named by its document',
  },
  {
    text: 'a: yes\nb: 0755\n',
    documents: [{ a: 'yes', b: 755 }],
    lines: [],
    why: 'YAML 1.2 scalars',
  },
  { text: 'a: 1\na: 2\n', documents: [], lines: [2], why: 'a key twice' },
]

for (const { text, documents, lines, why } of cases) {
  t.test(`reads ${JSON.stringify(text)}: ${why}`, async (t) => {
    const result = parseYamlDocuments(text)
    t.strictSame(result.documents, documents)
    t.strictSame(
      result.errors.map((error) => error.line),
      lines,
    )
  })
}

t.test('a text that multiplies itself by aliases is an error, not an outage', async (t) => {
  const levels = Array.from({ length: 30 }, (_, i) =>
    i === 0 ? 'a0: &a0 [x, x]' : `a${i}: &a${i} [*a${i - 1}, *a${i - 1}, *a${i - 1}, *a${i - 1}]`,
  )
  const result = parseYamlDocuments(levels.join('\n'))
  t.strictSame(result.documents, [])
  t.equal(result.errors.length, 1)
})

t.test('tags make nothing but plain data', async (t) => {
  const result = parseYamlDocuments('a: !!js/function "function () {}"\n')
  t.ok(result.documents.every((document) => typeof document === 'object'))
})
