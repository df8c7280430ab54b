// Which cookies are added to a request or a response, and which are taken out? (RFC 6265)
import { faultOfValue } from './header-edits.ts'
import type { Filter, FilterKind, RequestView, ResponseView, Stages } from './kind.ts'
import { linesOf } from './template.ts'

/** Changes one cookie. */
export interface CookieChangeFilter extends Filter {
  readonly kind: 'cookie-change'
  readonly name: string
  readonly change: /** To the request: behind those that it has. */
    | { readonly act: 'add'; readonly value: string }
    | { readonly act: 'drop-request' | 'drop-response' }
    /** To the response, for the whole site and its subdomains. */
    | {
        readonly act: 'set'
        readonly value: string
        /** 0: the browser forgets it. */
        readonly maxAgeSeconds?: number
        readonly isForScripts?: true
        /** Not where the client has it already. */
        readonly onlyChanges?: true
      }
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const cookieValue = /^"?[!#-+\--:<-[\]-~]*"?$/

export const cookieChangeKind: FilterKind<CookieChangeFilter> = {
  kind: 'cookie-change',
  isGuard: true,
  fault({ name, change }) {
    if (!token.test(name)) return `'${name}' is no name of a cookie`
    if (!('value' in change)) return undefined
    return cookieValue.test(change.value)
      ? faultOfValue(change.value)
      : 'the value of a cookie has no spaces, commas, semicolons and backslashes'
  },
  compile({ name, change }): Stages {
    switch (change.act) {
      case 'add':
        return onRequest((request) => addCookie(request, `${name}=${change.value}`))
      case 'drop-request':
        return onRequest((request) => dropCookie(request, name))
      case 'drop-response':
        return onResponse((response) => {
          const lines = response.values('set-cookie')
          const kept = lines.filter((line) => nameOf(line) !== name)
          if (kept.length === lines.length) return
          response.dropField('set-cookie')
          for (const line of kept) response.addField('set-cookie', line)
        })
      case 'set': {
        const { value, maxAgeSeconds, isForScripts, onlyChanges } = change
        const age = maxAgeSeconds === undefined ? '' : `; Max-Age=${Math.max(0, maxAgeSeconds)}`
        const end = `${age}${isForScripts === true ? '' : '; HttpOnly'}; Secure`
        return onResponse((response) => {
          if (onlyChanges === true && response.request.cookie(name) === value) return
          const domain = siteOf(response.request.host)
          response.addField('set-cookie', `${name}=${value}; Path=/${domain}${end}`)
        })
      }
    }
  },
}

function onRequest(run: (request: RequestView) => void): Stages {
  return {
    request: {
      kind: 'sync',
      decide(request) {
        run(request)
        return undefined
      },
    },
  }
}

function onResponse(run: (response: ResponseView) => void): Stages {
  return {
    response: {
      kind: 'sync',
      includesOwn: true,
      decide(response) {
        run(response)
        return undefined
      },
    },
  }
}

function addCookie(request: RequestView, pair: string): void {
  request.setField('cookie', [...linesOf(request, 'cookie'), pair].join('; '))
}

function dropCookie(request: RequestView, name: string): void {
  const lines = linesOf(request, 'cookie')
  if (lines.length === 0) return
  const pairs = lines.flatMap((line) => line.split(';')).map((pair) => pair.trim())
  const kept = pairs.filter((pair) => pair !== '' && nameOf(pair) !== name)
  if (kept.length === 0) request.dropField('cookie')
  else request.setField('cookie', kept.join('; '))
}

function nameOf(pair: string): string {
  const equals = pair.search(/[=;]/)
  return (equals === -1 ? pair : pair.slice(0, equals)).trim()
}

/** The host without its first label, where two are left; of an address, and of none, nothing. */
function siteOf(host: string): string {
  if (host === '' || host.includes(':') || /^[\d.]+$/.test(host)) return ''
  const labels = host.split('.')
  return `; Domain=${(labels.length > 2 ? labels.slice(1) : labels).join('.')}`
}
