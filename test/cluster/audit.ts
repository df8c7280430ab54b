// Which permissions were used? Read from the API server's own audit log.
import { readFileSync } from 'node:fs'

/** One request of a ServiceAccount, as the API server saw it. */
export interface AuditEntry {
  readonly stage: string
  readonly verb: string
  readonly user: {
    readonly username: string
    readonly extra?: Readonly<Record<string, readonly string[]>>
  }
  readonly userAgent?: string
  readonly objectRef?: {
    readonly apiGroup?: string
    readonly resource?: string
    readonly subresource?: string
    readonly namespace?: string
    readonly name?: string
  }
  readonly responseStatus?: { readonly code?: number }
  readonly requestReceivedTimestamp: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** Where reading goes on. */
export interface AuditMark {
  readonly bytes: number
}

/** The log up to now. */
export function auditMark(path: string): AuditMark {
  return { bytes: readFileSync(path).length }
}

/** The entries of a user since `mark`. */
export function auditEntries(path: string, user: string, mark: AuditMark): AuditEntry[] {
  return readFileSync(path)
    .subarray(mark.bytes)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line): AuditEntry => JSON.parse(line))
    .filter((entry) => entry.user.username === user)
}

/** `verb group/resource[/subresource]`, as roles name it. */
export function permissionOf({ verb, objectRef }: AuditEntry): string {
  const { apiGroup = '', resource = '', subresource } = objectRef ?? {}
  return permission(
    verb,
    apiGroup,
    subresource === undefined ? resource : `${resource}/${subresource}`,
  )
}

/** One permission in one text. */
export function permission(verb: string, group: string, resource: string): string {
  return `${verb} ${group === '' ? '' : `${group}/`}${resource}`
}

/** The token that was used, by the id that the API server gave it. */
export function tokenIdOf({ user }: AuditEntry): string {
  return user.extra?.['authentication.kubernetes.io/credential-id']?.[0] ?? ''
}

/** True for a request that no role allowed. */
export function isForbidden({ annotations }: AuditEntry): boolean {
  return annotations?.['authorization.k8s.io/decision'] === 'forbid'
}
