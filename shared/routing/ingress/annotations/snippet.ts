// What does a snippet of nginx's configuration ask for, where it holds nothing but directives of a closed list?
//
// Invariant: nothing of a snippet is run: each directive becomes plain data of a filter, or the whole snippet is refused with
// the directive quoted and the native key named that does its job.
import { parseCidr } from '../../../cidr.ts'
import type { AccessRule } from '../../filters/access-rules.ts'
import { dropStatus } from '../../filters/answers.ts'
import { faultOfName, faultOfValue } from '../../filters/header-edits.ts'
import type { HeaderRule } from '../../filters/header-rules.ts'
import { compileFind } from '../../pattern.ts'
import { type NginxText, parseNginxText } from './nginx-text.ts'
import { isIdle } from './snippet-idle.ts'
import { remedyOf } from './snippet-remedies.ts'
import { readStatements, type Statement } from './snippet-statements.ts'
import { parseExpires, parseHostText, parseUrl, placeOf } from './snippet-values.ts'
import type { AnswerWish, HeaderWish, LocationWish, Snippet } from './snippet-wishes.ts'
import { accept, type Parsed, refuse } from './values.ts'

/** Parses `configuration-snippet`. */
export function parseLocationSnippet(text: string): Parsed<Snippet> {
  return parseSnippet(text, false)
}

/** Parses `server-snippet`, which may have `location` blocks. */
export function parseServerSnippet(text: string): Parsed<Snippet> {
  return parseSnippet(text, true)
}

function parseSnippet(text: string, ofServer: boolean): Parsed<Snippet> {
  const result = readStatements(text)
  if (!result.ok) return refuse(result.reason)
  return new SnippetReader(ofServer).read(result.statements)
}

// nginx's add_header without `always` (ngx_http_headers_module).
const addedStatuses = [200, 201, 204, 206, 301, 302, 303, 304, 307, 308]
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

type Reader = (args: readonly string[]) => string | undefined

/** Readers give the end of the sentence "… `directive`, which …". */
class SnippetReader {
  readonly #ofServer: boolean
  readonly #hidden: HeaderWish[] = []
  readonly #added: HeaderWish[] = []
  readonly #edited: HeaderWish[] = []
  readonly #request: HeaderWish[] = []
  readonly #access: AccessRule[] = []
  readonly #answers: AnswerWish[] = []
  readonly #fields: [string, string][] = []
  readonly #locations: LocationWish[] = []
  readonly #idle: string[] = []
  #host: NginxText | undefined
  readonly #readers: Readonly<Record<string, Reader>> = {
    add_header: (args) => this.#addHeader(args),
    more_set_headers: (args) => this.#moreHeaders(args, 'set'),
    more_clear_headers: (args) => this.#moreHeaders(args, 'remove'),
    more_set_input_headers: (args) => this.#inputHeaders(args, 'set'),
    more_clear_input_headers: (args) => this.#inputHeaders(args, 'remove'),
    proxy_set_header: (args) => this.#proxyHeader(args),
    grpc_set_header: (args) => this.#proxyHeader(args),
    proxy_hide_header: (args) => this.#hideHeader(args),
    default_type: (args) => this.#defaultType(args),
    expires: (args) => this.#expires(args),
    return: (args) => this.#return(args),
    rewrite: (args) => this.#rewrite(args),
    allow: (args) => this.#rule(args, true),
    deny: (args) => this.#rule(args, false),
  }

  constructor(ofServer: boolean) {
    this.#ofServer = ofServer
  }

  read(statements: readonly Statement[]): Parsed<Snippet> {
    for (const statement of statements) {
      const fault = this.#readOne(statement)
      if (fault !== undefined) {
        const quoted = JSON.stringify(cut(statement.text))
        return refuse(`holds ${quoted}, ${fault}; no text of nginx is run`)
      }
    }
    // nginx hides before it adds, and its module of more_ directives comes last.
    const response = [...this.#hidden, ...this.#added, ...this.#edited]
    return accept({
      request: this.#request,
      response,
      ...(this.#host === undefined ? {} : { host: this.#host }),
      access: this.#access,
      answers: this.#answers,
      fields: this.#fields,
      locations: this.#locations,
      idle: this.#idle,
    })
  }

  #readOne({ name, args, block, text }: Statement): string | undefined {
    if (name === 'location' && this.#ofServer && block !== undefined) {
      return this.#location(args, block)
    }
    if (block === undefined && isIdle(name, args)) {
      this.#idle.push(cut(text))
      return undefined
    }
    const reader = Object.hasOwn(this.#readers, name) ? this.#readers[name] : undefined
    if (reader === undefined || block !== undefined) return remedyOf(name)
    return reader(args)
  }

  #addHeader([name = '', value = '', ...rest]: readonly string[]): string | undefined {
    const [always, ...more] = rest
    if (more.length > 0 || (always !== undefined && always !== 'always')) {
      return 'which is not `add_header NAME VALUE [always]`'
    }
    // Two types of one body are read by nobody.
    const act = name.toLowerCase() === 'content-type' ? 'set' : 'add'
    const statuses = always === undefined ? { statuses: addedStatuses } : {}
    return this.#wish(this.#added, act, name, value, statuses)
  }

  #moreHeaders(args: readonly string[], act: 'set' | 'remove'): string | undefined {
    const statuses: number[] = []
    const headers: string[] = []
    for (let at = 0; at < args.length; at += 1) {
      const arg = args[at] ?? ''
      if (arg === '-s') {
        at += 1
        const given = (args[at] ?? '').split(/\s+/).filter((text) => text !== '')
        if (given.length === 0 || !given.every((text) => /^[1-5]\d\d$/.test(text))) {
          return 'whose -s names no statuses'
        }
        statuses.push(...given.map(Number))
      } else if (arg.startsWith('-')) return `whose option ${arg} is not supported`
      else headers.push(arg)
    }
    const limits = statuses.length === 0 ? {} : { statuses }
    return this.#each(this.#edited, headers, act, limits)
  }

  #inputHeaders(args: readonly string[], act: 'set' | 'remove'): string | undefined {
    if (args.some((arg) => arg.startsWith('-'))) return 'whose options are not supported'
    return this.#each(this.#request, args, act, {})
  }

  #each(
    list: HeaderWish[],
    headers: readonly string[],
    act: 'set' | 'remove',
    limits: Pick<HeaderRule, 'statuses'>,
  ): string | undefined {
    if (headers.length === 0) return 'which names no header'
    for (const header of headers) {
      const colon = header.indexOf(':')
      const name = (colon === -1 ? header : header.slice(0, colon)).trim()
      if (name.includes('*')) return 'whose * is not supported: name each header'
      // The module takes all of it for the name of a header to clear, which no response has.
      if (colon === -1 && /^[\w-]+ /.test(name)) {
        this.#idle.push(`${header}, which lacks its colon`)
        continue
      }
      const value = act === 'remove' || colon === -1 ? '' : header.slice(colon + 1).trim()
      const fault = this.#wish(list, value === '' ? 'remove' : act, name, value, limits)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  #proxyHeader([name = '', value = '', ...more]: readonly string[]): string | undefined {
    if (more.length > 0) return 'which is not `proxy_set_header NAME VALUE`'
    const field = name.toLowerCase()
    // A location of ingress-nginx has headers of its own, so that it takes over none of its server's.
    const list = this.#ofServer ? [] : this.#request
    // Weir passes upgrades on by itself.
    if (field === 'upgrade' && value === '$http_upgrade') return undefined
    if (
      field === 'connection' &&
      /^(?:upgrade|\$connection_upgrade|close|keep-alive|)$/i.test(value)
    ) {
      return undefined
    }
    if (field !== 'host') {
      return this.#wish(list, value === '' ? 'remove' : 'set', name, value, {})
    }
    const host = parseHostText(value)
    if (!host.ok) return `whose value ${host.reason}`
    if (!this.#ofServer) this.#host = host.value
    return undefined
  }

  #hideHeader([name = '', ...more]: readonly string[]): string | undefined {
    if (more.length > 0) return 'which names more than one header'
    return this.#wish(this.#hidden, 'remove', name, '', { isUpstreamOnly: true })
  }

  #expires([text = '', ...more]: readonly string[]): string | undefined {
    const fields = more.length > 0 ? undefined : parseExpires(text)
    if (fields === undefined) return 'which is not `expires off|max|epoch|TIME`'
    for (const [name, value] of fields) {
      this.#wish(this.#edited, 'set', name, value, { statuses: addedStatuses })
    }
    return undefined
  }

  #defaultType([type = '', ...more]: readonly string[]): string | undefined {
    if (more.length > 0 || !/^[\w.+-]+\/[\w.+-]+$/.test(type)) return 'which is not a media type'
    this.#fields.push(['content-type', type])
    return undefined
  }

  #wish(
    list: HeaderWish[],
    act: HeaderRule['act'],
    name: string,
    value: string,
    limits: Pick<HeaderRule, 'statuses' | 'isUpstreamOnly'>,
  ): string | undefined {
    const field = name.toLowerCase()
    const text = parseNginxText(value)
    if (!text.ok) return `whose value ${text.reason}`
    const fault = faultOfName(field) ?? faultOfValue(value.trim())
    if (fault !== undefined) return `which cannot be used: ${fault}`
    list.push({ act, name: field, value: act === 'remove' ? [] : text.value, ...limits })
    return undefined
  }

  #return([first = '', second, ...more]: readonly string[]): string | undefined {
    if (more.length > 0) return 'which is not `return CODE [TEXT]` or `return CODE URL`'
    if (second === undefined && /^(?:https?:\/\/|\$scheme)/.test(first)) {
      return this.#redirect(302, first)
    }
    const status = /^\d{3}$/.test(first) ? Number(first) : 0
    if (status !== dropStatus && (status < 200 || status > 599)) {
      return 'whose status is not one of 200 to 599'
    }
    if (redirectStatuses.has(status)) {
      return second === undefined ? 'which has no URL' : this.#redirect(status, second)
    }
    const body = second === undefined ? undefined : parseNginxText(second)
    if (body?.ok === false) return `whose text ${body.reason}`
    this.#answers.push({ status, ...(body === undefined ? {} : { body: body.value }) })
    return undefined
  }

  #redirect(status: number, url: string): string | undefined {
    const location = parseUrl(url, false)
    if (!location.ok) return `whose URL ${location.reason}`
    this.#answers.push({ status, location: location.value })
    return undefined
  }

  #rewrite([pattern = '', url = '', flag = '', ...more]: readonly string[]): string | undefined {
    if (more.length > 0 || (flag !== 'permanent' && flag !== 'redirect')) {
      return 'which is no redirect: use weir.dev/rewrite-target'
    }
    const compiled = compileFind(pattern)
    if (!compiled.ok) return `whose pattern cannot be used: ${compiled.reason}`
    const location = parseUrl(url, true)
    if (!location.ok) return `whose URL ${location.reason}`
    const status = flag === 'permanent' ? 301 : 302
    this.#answers.push({ pattern, status, location: location.value, keepsQuery: true })
    return undefined
  }

  #rule([from = '', ...more]: readonly string[], allows: boolean): string | undefined {
    if (more.length > 0) return 'which names more than one address'
    const result = from === 'all' ? undefined : parseCidr(from)
    if (result?.ok === false) return `which cannot be used: ${result.reason}`
    this.#access.push({ allows, from })
    return undefined
  }

  /** A location of a server's snippet has nothing behind it: it answers itself, or 404. */
  #location(args: readonly string[], block: readonly Statement[]): string | undefined {
    const [sign, path] = args.length === 2 ? args : ['', args[0]]
    const where = placeOf(sign ?? '', path ?? '')
    if (typeof where === 'string') return where
    const inner = new SnippetReader(false)
    const result = inner.read(block)
    if (!result.ok) return `which ${result.reason}`
    const { request, response, access, answers, fields, host } = result.value
    const denies = access.some(({ allows, from }) => !allows && from === 'all')
    if (!denies && !answers.some(({ pattern }) => pattern === undefined)) {
      return 'which neither returns something nor denies all'
    }
    const literal: (readonly [string, string])[] = [...fields]
    for (const { act, name, value } of response) {
      const text = value.every((part) => typeof part === 'string') ? value.join('') : undefined
      if (act === 'remove' || text === undefined) return 'whose headers are not literal'
      literal.push([name, text])
    }
    if (request.length > 0 || host !== undefined) return 'which sets headers for no upstream'
    this.#locations.push({ ...where, answers, access, fields: literal })
    return undefined
  }
}

function cut(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}
