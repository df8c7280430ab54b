// Skipper's filters of cookies.
import type { CookieChangeFilter } from '../../filters/cookie-change.ts'
import type { Args } from './args.ts'
import { type FilterRow, type Made, only, served } from './row.ts'

function cookieChange(args: Args, change: CookieChangeFilter['change']): Made {
  const filter: CookieChangeFilter = { kind: 'cookie-change', name: args.text(0, 'name'), change }
  return only(filter)
}

function setting(isForScripts: boolean) {
  return (args: Args): Made => {
    args.expect(2, 4)
    return cookieChange(args, {
      act: 'set',
      value: args.text(1, 'value'),
      ...(args.has(2) && { maxAgeSeconds: Math.trunc(args.number(2, 'age')) }),
      ...(isForScripts && { isForScripts: true }),
      ...(args.has(3) && args.text(3, 'last argument') === 'change-only' && { onlyChanges: true }),
    })
  }
}

const attributes = 'Path=/, Secure, and the host without its first label as Domain.'

export const cookieRows: readonly FilterRow[] = [
  served('requestCookie', 'name, value', 'Behind the cookies that the client sent.', (args) => {
    args.expect(2)
    return cookieChange(args, { act: 'add', value: args.text(1, 'value') })
  }),
  served('responseCookie', 'name, value, [age, ["change-only"]]', attributes, setting(false)),
  served(
    'jsCookie',
    'name, value, [age, ["change-only"]]',
    `${attributes} Scripts may read it.`,
    setting(true),
  ),
  served('dropRequestCookie', 'name', 'The others stay.', (args) => {
    args.expect(1)
    return cookieChange(args, { act: 'drop-request' })
  }),
  served('dropResponseCookie', 'name', 'The others stay, as the upstream wrote them.', (args) => {
    args.expect(1)
    return cookieChange(args, { act: 'drop-response' })
  }),
]
