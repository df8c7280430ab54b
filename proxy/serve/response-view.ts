// What do filters see of a response before its head is written, and what have they changed?
import type { FieldLines, ResponseView } from '../../shared/routing/filters/kind.ts'
import { fieldValue } from '../http/fields.ts'
import { applyEdits, FieldChanges } from './field-changes.ts'
import type { ExchangeView } from './request-view.ts'

/** The response of an exchange, for filters. */
export class ExchangeResponse implements ResponseView {
  readonly request: ExchangeView
  readonly isOwn: boolean
  readonly code: string
  readonly #lines: FieldLines
  readonly #changes = new FieldChanges()
  readonly #length: number | undefined
  status: number
  bodyLength: number | undefined
  ownBody: string | Buffer | undefined

  constructor(
    request: ExchangeView,
    status: number,
    lines: FieldLines,
    bodyLength: number | undefined,
    /** Of what Weir made itself; undefined: an upstream's. */
    ownCode: string | undefined,
  ) {
    this.request = request
    this.status = status
    this.#lines = lines
    this.#length = bodyLength
    this.bodyLength = bodyLength
    this.isOwn = ownCode !== undefined
    this.code = ownCode ?? ''
    this.ownBody = undefined
  }

  field(name: string): string | undefined {
    return this.#changes.read(name, () => fieldValue(this.#lines, name, ', '))
  }

  values(name: string): readonly string[] {
    const read = () => fieldValue(this.#lines, name, '\n')
    return this.#changes.read(name, read, '\n')?.split('\n') ?? []
  }

  setField(name: string, value: string): void {
    this.#changes.set(name, value)
  }

  addField(name: string, value: string): void {
    this.#changes.add(name, value)
  }

  dropField(name: string): void {
    this.#changes.drop(name)
  }

  /** The field lines as changed; a length that is not known any more is not told. */
  get lines(): FieldLines {
    if (this.bodyLength !== this.#length) this.#changes.drop('content-length')
    return applyEdits(this.#lines, this.#changes.edits)
  }
}
