// Skipper's filters that answer, or say something in the place of an upstream.

import type {
  AnswerTextFilter,
  ReplaceBodyFilter,
  ResponseStatusFilter,
} from '../../filters/content.ts'
import type { Args } from './args.ts'
import { guessType } from './guess-type.ts'
import { type FilterRow, only, served } from './row.ts'

function typeOf(args: Args, index: number, text: string): string {
  return args.has(index) ? args.text(index, 'type') : guessType(text)
}

function answering(filter: Omit<AnswerTextFilter, 'kind'>) {
  return only({ kind: 'answer-text', ...filter } as AnswerTextFilter)
}

function statusFilter(status: number): ResponseStatusFilter {
  return { kind: 'response-status', status }
}

export const contentRows: readonly FilterRow[] = [
  served('status', 'status', 'The status of the response, whoever answers.', (args) => {
    args.expect(1)
    return only(statusFilter(args.whole(0, 'status', 200, 599)))
  }),
  served(
    'inlineContent',
    'text, [type]',
    'Answers with 200. Without a type it is guessed.',
    (args) => {
      args.expect(1, 2)
      const text = args.text(0, 'text')
      return answering({ text, type: typeOf(args, 1, text) })
    },
  ),
  served(
    'inlineContentIfStatus',
    'status, text, [type]',
    'Replaces the body of responses with the status.',
    (args) => {
      args.expect(2, 3)
      const status = args.whole(0, 'status', 200, 599)
      const text = args.text(1, 'text')
      const filter: ReplaceBodyFilter = {
        kind: 'replace-body',
        status,
        text,
        type: typeOf(args, 2, text),
      }
      return only(filter)
    },
  ),
  served(
    'repeatContent',
    'text, length',
    'Answers with the text, again and again up to the length; 10 MiB at most.',
    (args) => {
      args.expect(2)
      const text = args.text(0, 'text')
      return answering({ text, type: 'text/plain', length: args.whole(1, 'length', 0, 10 << 20) })
    },
  ),
  served('randomContent', 'length', 'Answers with random letters; 10 MiB at most.', (args) => {
    args.expect(1)
    const length = args.whole(0, 'length', 0, 10 << 20)
    return answering({ text: '', type: 'text/plain', length, isRandom: true })
  }),
  served('healthcheck', '', 'Answers of the route have the status 200.', () =>
    only(statusFilter(200)),
  ),
]
