// The YAML border: text in, plain documents and findings out. The only file that imports `yaml`.
//
// Invariant: never throws; a document that is broken is reported with its line and left out, the others are given.
// Invariant: aliases are bounded (a "billion laughs" text is an error, not an outage); no tag makes anything but plain data.
import { LineCounter, parseAllDocuments } from 'yaml'

/** One thing wrong in a text; `line` counts from 1. */
export interface YamlError {
  readonly line: number
  readonly message: string
}

/** What was read from a text: its documents in order (empty ones left out) and what could not be read. */
export interface YamlDocuments {
  readonly documents: readonly unknown[]
  readonly errors: readonly YamlError[]
}

/** Parses all documents of a YAML (or JSON, which is YAML) text. */
export function parseYamlDocuments(text: string): YamlDocuments {
  const lineCounter = new LineCounter()
  const documents: unknown[] = []
  const errors: YamlError[] = []
  // Without prettyErrors the message is one sentence, not a drawing of the source.
  for (const document of parseAllDocuments(text, { lineCounter, prettyErrors: false })) {
    const first = document.errors[0]
    if (first !== undefined) {
      errors.push({ line: lineCounter.linePos(first.pos[0]).line, message: first.message })
      continue
    }
    try {
      const value: unknown = document.toJS({ maxAliasCount: 100 })
      if (value !== null && value !== undefined) documents.push(value)
    } catch (error) {
      // Unresolvable or excessive aliases show only when the document is made into data.
      const message = error instanceof Error ? error.message : String(error)
      errors.push({ line: lineCounter.linePos(document.range[0]).line, message })
    }
  }
  return { documents, errors }
}
