// The annotations of ingress-nginx that ask who it is by name and password.
//
// Invariant: a key of this file that is given and not understood closes the routes: ingress-nginx drops the protection for
// some of them, which nobody wants back. What browsers show protects nothing.
import type { BasicAuthFilter } from '../../filters/basic-auth.ts'
import type { Draft } from './draft.ts'
import { guarded, ignoring, type SupportedRow, supported } from './row.ts'
import { partOf } from './settings.ts'
import { accept, type Parsed, parseChoice, refuse } from './values.ts'

const prefix = 'nginx.ingress.kubernetes.io/'

/**
 * With `--like ingress-nginx` an empty value counts as none, and so does a key without the one that it belongs to; without it
 * nobody knows what was meant.
 */
export function asThere(row: SupportedRow, whole?: { kind: string; key: string }): SupportedRow {
  const read: SupportedRow['read'] = (text, draft) =>
    text === '' && draft.defaults.like === 'ingress-nginx' ? {} : row.read(text, draft)
  if (whole === undefined) return { ...row, read }
  return ignoring({ ...row, read }, (_text, { defaults, filters, closed }) =>
    defaults.like === 'ingress-nginx' && closed === undefined && filters[whole.kind] === undefined
      ? `has no effect without \`${whole.key}\``
      : undefined,
  )
}

/** Parses `[namespace/]name` of an object; the namespace must be that of the Ingress, which `ownName` holds it to. */
export function parseObject(text: string): Parsed<{ readonly of?: string; readonly name: string }> {
  const [, of, name] =
    /^(?:([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)\/)?([a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?)$/.exec(
      text,
    ) ?? []
  if (name === undefined)
    return refuse('must be the name of an object, perhaps behind `namespace/`')
  return accept(of === undefined ? { name } : { of, name })
}

/** The full name of an object that an Ingress may use; a text is the end of "The value …". */
export function ownName(
  { of, name }: { readonly of?: string; readonly name: string },
  { namespace }: Draft,
  apply: (fullName: string) => Partial<Draft> | string,
): Partial<Draft> | string {
  return of === undefined || of === namespace
    ? apply(`${namespace}/${name}`)
    : `names an object of another namespace; only those of ${namespace} may be used`
}

function parseType(text: string): Parsed<'basic'> {
  if (text === 'digest') return refuse('asks for digests, which are not supported; write `basic`')
  return text === 'basic' ? accept(text) : refuse('must be `basic`')
}

/** Browsers show it between quotes. */
function parseRealm(text: string): Parsed<string> {
  return /^[ !#-[\]-~]{0,200}$/.test(text)
    ? accept(text)
    : refuse('must be one line of ASCII text without quotes and backslashes')
}

const kind = 'basic-auth'

function basicPart(key: string, parts: Partial<BasicAuthFilter>, draft: Draft): Partial<Draft> {
  return partOf(kind, prefix + key, () => parts)(undefined, draft)
}

/** A part without `auth-type` asks for nothing; of routes that are closed anyway it is not said. */
function ofBasic<T>(key: string, parts: (value: T) => Partial<BasicAuthFilter>) {
  return (value: T, draft: Draft) => {
    if (draft.filters[kind]?.parts.format !== undefined) return basicPart(key, parts(value), draft)
    return draft.closed === undefined ? 'has no effect without `auth-type: basic`' : {}
  }
}

/** The rows of passwords. */
export const basicAuthRows: readonly SupportedRow[] = [
  guarded(
    'auth-type',
    '`basic`',
    'Clients need a name and password of `auth-secret`; others get 401, and Authorization does not go upstream. `digest` is not supported.',
    parseType,
    (_type, draft) =>
      basicPart('auth-type', { format: 'auth-file', realm: '', hidesPassword: true }, draft),
  ),
  guarded(
    'auth-secret',
    '[namespace/]name of a Secret',
    'The users, as `auth-secret-type` says; hashes of htpasswd: bcrypt, apr1, `{SHA}`, `{SSHA}`, `{PLAIN}`, crypt. A Secret that is missing, of another namespace or without users: 503.',
    parseObject,
    (object, draft) =>
      ownName(object, draft, (secret) => {
        const before = draft.filters[kind]?.parts.secret
        return before !== undefined && before !== secret
          ? 'differs from another Secret of this Ingress'
          : ofBasic<string>('auth-secret', (name) => ({ secret: name }))(secret, draft)
      }),
  ),
  guarded(
    'auth-secret-type',
    '`auth-file`, `auth-map`',
    'Where the Secret has its users: htpasswd lines in the entry `auth`, or an entry per name with the hash as its value; `auth-file` when absent.',
    parseChoice({ 'auth-file': 'auth-file', 'auth-map': 'auth-map' } as const),
    ofBasic<'auth-file' | 'auth-map'>('auth-secret-type', (format) => ({ format })),
  ),
  supported(
    'auth-realm',
    'text',
    'What browsers show; ASCII without quotes.',
    parseRealm,
    ofBasic<string>('auth-realm', (realm) => ({ realm })),
  ),
].map((row) =>
  row.key === 'auth-type' ? asThere(row) : asThere(row, { kind, key: 'auth-type: basic' }),
)
