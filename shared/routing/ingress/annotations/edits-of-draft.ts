// Which edits of header fields does a draft come to?
import type { HeaderEdits } from '../../filters/header-edits.ts'
import type { RewriteFilter } from '../../filters/rewrite.ts'

/** What of a draft counts here. */
interface PrefixDraft {
  readonly forwardedPrefix?: string
  readonly requestHeaders: HeaderEdits
}

/** ingress-nginx sends X-Forwarded-Prefix only where it rewrites. */
export function withForwardedPrefix(
  draft: PrefixDraft,
  rewrite: RewriteFilter | undefined,
): HeaderEdits {
  const { forwardedPrefix, requestHeaders } = draft
  if (forwardedPrefix === undefined || rewrite === undefined) return requestHeaders
  const field = ['x-forwarded-prefix', forwardedPrefix] as const
  return { ...requestHeaders, set: [...requestHeaders.set, field] }
}

/** Gives edits that change something. */
export function buildEdits(edits: HeaderEdits): HeaderEdits | undefined {
  const size = edits.set.length + edits.add.length + edits.remove.length
  return size === 0 ? undefined : edits
}
