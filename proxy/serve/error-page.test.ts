import t from 'tap'
import { failures } from '../../shared/routing/failure.ts'
import { errorPage } from './error-page.ts'

t.test('a page names status, code and what happened', async (t) => {
  t.equal(errorPage('no-route'), '404 no-route\nNo route for this host and path.\n')
})

t.test('a page ends with the request id where there is one', async (t) => {
  t.equal(
    errorPage('connect-failed', 'abc-1'),
    '502 connect-failed\nThe upstream refused the connection.\nRequest id: abc-1\n',
  )
  t.notMatch(errorPage('connect-failed', ''), 'Request id')
})

t.test('every page is short ASCII text', async (t) => {
  for (const code of Object.keys(failures)) {
    if (!isFailureCode(code)) continue
    t.match(errorPage(code), /^\d{3} [a-z-]+\n[\x20-\x7e]{1,80}\n$/, code)
  }
})

function isFailureCode(code: string): code is keyof typeof failures {
  return code in failures
}
