// Which values may an option take? One Kind per sort of value: pure, from text to a precise type.
import { isIP } from 'node:net'
import { readAllowedOrigin } from './auth-origin.ts'
import { parseCidr } from './cidr.ts'
import { readExternalHost } from './external-host.ts'
import { formatHostPort } from './host-port.ts'
import type { Kind } from './options-table.ts'

/** A place to listen on. */
export interface HostPort {
  /** An IP address without brackets, or a host name. */
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
}

/** The name of an object with its namespace. */
export interface ObjectPath {
  readonly namespace: string
  readonly name: string
}

/** A port of a Service, as a backend of an Ingress names it. */
export interface ServicePort {
  readonly namespace: string
  readonly name: string
  readonly port: number | string
}

function scalar<T>(
  placeholder: string,
  allowed: string,
  parseText: (text: string) => T | undefined,
  format: (value: T) => string = String,
): Kind<T> {
  const parse = ([text = '']: readonly string[]): T | undefined => parseText(text)
  return { placeholder, allowed, isList: false, parse, format }
}

function list<T>(
  placeholder: string,
  allowed: string,
  parseItem: (item: string) => T | undefined,
): Kind<readonly T[]> {
  return {
    placeholder,
    allowed,
    isList: true,
    format: (values) => values.join(',') || 'none',
    parse(texts) {
      const values: T[] = []
      for (const item of texts.flatMap((text) => text.split(','))) {
        if (item.trim() === '') continue
        const value = parseItem(item.trim())
        if (value === undefined) return undefined
        values.push(value)
      }
      return values
    },
  }
}

/** Takes no value: `--key`, `--no-key` or `--key=false`. */
export const boolean: Kind<boolean> = scalar('', 'true or false', (text) => {
  if (text === 'true') return true
  return text === 'false' ? false : undefined
})

/** Any text that is not empty. */
export function text(placeholder: string): Kind<string> {
  return scalar(placeholder, 'a text that is not empty', (given) => given || undefined)
}

/** A file or folder; it is not opened here. */
export const filePath: Kind<string> = scalar(
  'PATH',
  'the path of a file or folder',
  (given) => given || undefined,
)

/** The path of a URL: begins with `/`, printable ASCII, no query, no fragment. */
export const urlPath: Kind<string> = scalar(
  'PATH',
  'a path that begins with "/", without "?", "#" and spaces',
  (given) => (/^\/[!"$->@-~]*$/.test(given) ? given : undefined),
)

/** Where a Valkey or Redis is: `redis://HOST:PORT/DB`, `valkey://…`, or with TLS `rediss://…`, `valkeys://…`. */
export const storeUrl: Kind<string> = scalar(
  'URL',
  'redis://HOST:PORT/DB, or rediss:// with TLS; port and database may be left out',
  (given) => {
    const url = URL.parse(given.replace(/^valkey(s?):/, 'redis$1:'))
    if (url === null || url.hostname === '' || url.search !== '' || url.hash !== '')
      return undefined
    const isKnown = url.protocol === 'redis:' || url.protocol === 'rediss:'
    return isKnown && /^(?:\/\d{0,5})?$/.test(url.pathname) ? url.href : undefined
  },
)

/** An http or https URL without query, fragment and password; it has no slash at its end. */
export const httpUrl: Kind<string> = scalar(
  'URL',
  'an http or https URL without query, fragment and password',
  (given) => {
    const url = URL.parse(given)
    const isPlain = /^https?:\/\/[^?#@\s]+$/i.test(given)
    return url !== null && isPlain ? url.href.replace(/\/+$/, '') : undefined
  },
)

/** A whole number from `min` to `max`, in `unit` (may be empty). */
export function integer(min: number, max: number, unit = ''): Kind<number> {
  const allowed = `a whole number from ${min} to ${max}${unit && ` (${unit})`}`
  return scalar(unit.toUpperCase() || 'N', allowed, (given) => {
    if (!/^-?\d{1,15}$/.test(given)) return undefined
    const value = Number(given)
    return value >= min && value <= max ? value : undefined
  })
}

/** A share of all: a decimal number from 0 to 1. */
export const share: Kind<number> = scalar('SHARE', 'a number from 0 to 1', (given) =>
  /^(?:0|1|0?\.\d{1,9}|0\.0{0,9}|1\.0{1,9})$/.test(given) ? Number(given) : undefined,
)

/** One of a few words. */
export function oneOf<const T extends string>(words: readonly T[]): Kind<T> {
  return scalar(words.join('|'), `one of ${words.join(', ')}`, (given) =>
    words.find((word) => word === given),
  )
}

const hostPortAllowed = 'HOST:PORT, [IPV6]:PORT or :PORT with a port from 0 to 65535'

/** `127.0.0.1:9999`, `[::]:9999`, `localhost:0`, or `:9999` for all IPv4 addresses. */
export const hostPort: Kind<HostPort> = scalar(
  'HOST:PORT',
  hostPortAllowed,
  parseHostPort,
  ({ host, port }) => formatHostPort(host, port),
)

function parseHostPort(given: string): HostPort | undefined {
  const match = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]*)):(\d{1,5})$/.exec(given)
  if (match === null) return undefined
  const [, bracketed, plain, digits] = match
  const port = Number(digits)
  if (port > 65_535) return undefined
  if (bracketed !== undefined) {
    return isIP(bracketed) === 6 ? { host: bracketed, port } : undefined
  }
  // Four dotted numbers that are no address (300.1.1.1) would otherwise be looked up as a name.
  if (plain && /^[\d.]+$/.test(plain) && isIP(plain) !== 4) return undefined
  return { host: plain || '0.0.0.0', port }
}

/** Networks such as `10.0.0.0/8`; a single address stands for itself. Values always carry their prefix length. */
export const cidrs: Kind<readonly string[]> = list(
  'CIDR,…',
  'a list of networks such as 10.0.0.0/8 or fd00::/8',
  (given) => {
    const result = parseCidr(given)
    return result.ok ? `${result.cidr.address}/${result.cidr.prefix}` : undefined
  },
)

/** Names without spaces; `placeholder` is what the help calls them. */
export function names(placeholder: string): Kind<readonly string[]> {
  return list(`${placeholder},…`, 'a list of names without spaces', (item) =>
    /^[!-~]+$/.test(item) ? item : undefined,
  )
}

/** Names of which `isKnown` knows each; `allowed` says which these are. */
export function knownNames(
  placeholder: string,
  allowed: string,
  isKnown: (name: string) => boolean,
): Kind<readonly string[]> {
  return list(placeholder, allowed, (item) => (isKnown(item) ? item : undefined))
}

/** Hosts outside of the cluster, each in its one form (see external-host.ts). */
export const externalHosts: Kind<readonly string[]> = list(
  'HOST,…',
  'a list of DNS names and IP addresses, without port, brackets and *',
  (item) => {
    const result = readExternalHost(item)
    return result.ok ? result.host : undefined
  },
)

/** Origins of URLs, each in its one form (see auth-origin.ts). */
export const authOrigins: Kind<readonly string[]> = list(
  'ORIGIN,…',
  'a list of http or https origins such as https://auth.example.com, http://auth.login.svc.cluster.local:4180 or https://*.example.com, without path, or any',
  readAllowedOrigin,
)

const objectName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/

/** An object, as `namespace/name`. */
export const objectPath: Kind<ObjectPath> = scalar<ObjectPath>(
  'NAMESPACE/NAME',
  'NAMESPACE/NAME',
  (given) => {
    const [namespace = '', name = '', ...more] = given.split('/')
    const isPath = more.length === 0 && objectName.test(namespace) && objectName.test(name)
    return isPath ? { namespace, name } : undefined
  },
  ({ namespace, name }) => `${namespace}/${name}`,
)

/** `namespace/name:port`, the port by number or by name. */
export const servicePort: Kind<ServicePort> = scalar<ServicePort>(
  'NAMESPACE/NAME:PORT',
  'NAMESPACE/NAME:PORT, the port by number or name',
  (given) => {
    const match = /^([^/:]+)\/([^/:]+):([a-z0-9-]{1,15})$/.exec(given)
    if (match === null) return undefined
    const [, namespace = '', name = '', port = ''] = match
    if (!objectName.test(namespace) || !objectName.test(name)) return undefined
    if (!/^\d+$/.test(port)) return { namespace, name, port }
    const number = Number(port)
    return number >= 1 && number <= 65_535 ? { namespace, name, port: number } : undefined
  },
  ({ namespace, name, port }) => `${namespace}/${name}:${port}`,
)
