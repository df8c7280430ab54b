// How are the values of a snippet's directives read: places, hosts, URLs?
import { compileFind } from '../../pattern.ts'
import { knownVariables, type NginxText, parseNginxText } from './nginx-text.ts'
import type { LocationWish } from './snippet-wishes.ts'
import { type Parsed, refuse } from './values.ts'

/** Reads what a `location` names; a string is the end of the sentence "… `location`, …". */
export function placeOf(
  sign: string,
  path: string,
): Pick<LocationWish, 'is' | 'text' | 'isFirm'> | string {
  if (sign === '~' || sign === '~*') {
    const text = sign === '~' ? path : `(?i)${path}`
    const compiled = compileFind(text)
    return compiled.ok
      ? { is: 'pattern', text, isFirm: false }
      : `whose pattern cannot be used: ${compiled.reason}`
  }
  if (!/^\/[\w.~/@:-]*$/.test(path)) return 'whose path is not literal'
  if (sign === '=') return { is: 'exact', text: path, isFirm: true }
  return sign === '' || sign === '^~'
    ? { is: 'prefix', text: path, isFirm: sign === '^~' }
    : 'whose sign is none of =, ^~, ~, ~*'
}

/** Parses the value of a Host for the upstream: a name, with variables. */
export function parseHostText(value: string): Parsed<NginxText> {
  const text = parseNginxText(value)
  if (!text.ok) return text
  const isName = text.value.every(
    (part) => typeof part !== 'string' || /^[a-z0-9_.:[\]-]+$/i.test(part),
  )
  return value !== '' && isName ? text : refuse('must be a host, perhaps with its port')
}

/** Parses a URL, or a path of the same host, that clients are sent to. */
export function parseUrl(url: string, groups: boolean): Parsed<NginxText> {
  const begins = groups
    ? /^(?:https?:\/\/|\$scheme:\/\/|\/|\$[1-9])/
    : /^(?:https?:\/\/|\$scheme:\/\/|\/)/
  if (!begins.test(url) || !/^[!-~]+$/.test(url)) {
    return refuse(
      `must begin with http://, https://, $scheme:// or /, and may have ${knownVariables}`,
    )
  }
  return parseNginxText(url, groups)
}

const unitSeconds: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
}

/**
 * Reads what `expires` asks for, as fields. Differs: a time from now gives Cache-Control alone, which goes before Expires
 * (RFC 9111 §5.3).
 */
export function parseExpires(text: string): readonly (readonly [string, string])[] | undefined {
  if (text === 'max') {
    return [
      ['cache-control', 'max-age=315360000'],
      ['expires', 'Thu, 31 Dec 2037 23:55:55 GMT'],
    ]
  }
  const [, sign, digits = '', unit = 's'] = /^(-?)(\d{1,9})([smhdw]?)$/.exec(text) ?? []
  if (text === 'epoch' || sign === '-') {
    return [
      ['cache-control', 'no-cache'],
      ['expires', 'Thu, 01 Jan 1970 00:00:01 GMT'],
    ]
  }
  const seconds = Number(digits) * (unitSeconds[unit || 's'] ?? 0)
  return sign === undefined ? undefined : [['cache-control', `max-age=${seconds}`]]
}
