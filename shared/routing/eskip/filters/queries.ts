// Skipper's filters of the query.
import type { QueryChange } from '../../filters/query-change.ts'
import { type FilterRow, type Made, only, served } from './row.ts'

const order = 'A changed query has its parameters in the order of their names.'

function queryChange(change: QueryChange): Made {
  return only({ kind: 'query-change', change } as { kind: 'query-change' })
}

export const queryRows: readonly FilterRow[] = [
  served('setQuery', 'name, value', `A placeholder without a value is empty. ${order}`, (args) => {
    args.expect(1, 2)
    const name = args.template(0, 'name')
    return queryChange({ act: 'set', name, value: args.has(1) ? args.template(1, 'value') : [''] })
  }),
  served('dropQuery', 'name', order, (args) => {
    args.expect(1)
    return queryChange({ act: 'drop', name: args.template(0, 'name') })
  }),
  served(
    'stripQuery',
    '["true"]',
    '"true" keeps the parameters as headers X-Query-Param-NAME.',
    (args) => {
      args.expect(0, 1)
      const keepsAsFields = args.has(0) && args.text(0, 'argument') === 'true'
      return queryChange({ act: 'strip', keepsAsFields })
    },
  ),
  served(
    'headerToQuery',
    'header, name',
    `Without the header the parameter is empty. ${order}`,
    (args) => {
      args.expect(2)
      const header = args.text(0, 'name of a header').toLowerCase()
      return queryChange({ act: 'from-header', header, name: args.text(1, 'name') })
    },
  ),
  served(
    'queryToHeader',
    'name, header, [format]',
    'A header that the client sent stays.',
    (args) => {
      args.expect(2, 3)
      const name = args.text(0, 'name')
      const header = args.text(1, 'name of a header').toLowerCase()
      const format = args.has(2) ? args.text(2, 'format') : '%s'
      return queryChange({ act: 'to-header', name, header, format })
    },
  ),
]
