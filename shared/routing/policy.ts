// What a route may ask for, as plain data: made when a route is translated, compiled when a worker builds the route.
// Adding a policy: a field here, a file beside this one, a line in compile.ts, and rows in shared/routing/ingress/annotations/.

/** Changes to header fields; names in lower case. `set` replaces, `add` appends a line, `remove` drops all lines. */
export interface HeaderEdits {
  readonly set: readonly (readonly [name: string, value: string])[]
  readonly add: readonly (readonly [name: string, value: string])[]
  readonly remove: readonly string[]
}

/** Answers with a redirect instead of forwarding. */
export interface RedirectPolicy {
  /** `insecure`: only when the client did not use https (X-Forwarded-Proto of a trusted peer, or the PROXY port). */
  readonly when: 'always' | 'insecure'
  readonly status: 301 | 302 | 303 | 307 | 308
  readonly scheme?: 'http' | 'https'
  readonly host?: string
  readonly port?: number
  /** A path (with its own query, if any) replaces the request's path and drops its query; absent keeps both. */
  readonly path?: string
}

/** Changes the path that goes upstream. */
export type RewritePolicy =
  /** Replaces the matched prefix `from` by `to` (`/api` → `/`: `/api/x` becomes `/x`). */
  | { readonly kind: 'prefix'; readonly from: string; readonly to: string }
  /** nginx `rewrite-target`: RE2 `pattern`, anchored, case-insensitive; `$1`…`$9` in `replacement` are its groups. */
  | { readonly kind: 'regex'; readonly pattern: string; readonly replacement: string }

/** Who may use the route, by client address (the rules of X-Forwarded-For apply). Deny beats allow. */
export interface AccessPolicy {
  /** CIDRs; empty allows everybody that `deny` does not name. */
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}

/** Sends a client back to the endpoint that served it before, by a cookie. */
export interface AffinityPolicy {
  readonly cookie: string
  readonly path: string
  /** 0: a session cookie. */
  readonly maxAgeSeconds: number
  readonly sameSite?: 'Strict' | 'Lax' | 'None'
  readonly secure: boolean
  /** When the endpoint is gone or fails: pick another and set the cookie anew. */
  readonly changeOnFailure: boolean
}

/** Time limits of a route in ms; absent means the proxy's setting. */
export interface TimeoutPolicy {
  readonly connectMs?: number
  /** From the request's end to the response head, and between two reads of its body. */
  readonly readMs?: number
  /** Between two writes of the request body. */
  readonly sendMs?: number
}

/** What one route asks for. Every field is optional: the exchange pays nothing for an absent one. */
export interface Policy {
  /** A security-relevant annotation was not understood: the route answers 503 instead of being served open. */
  readonly closed?: string
  readonly access?: AccessPolicy
  /** nginx `app-root`: exactly `/` answers 302 to this path of the same host. */
  readonly appRoot?: string
  readonly redirect?: RedirectPolicy
  readonly rewrite?: RewritePolicy
  readonly requestHeaders?: HeaderEdits
  readonly responseHeaders?: HeaderEdits
  /** Largest request body in bytes; absent or 0: no limit. */
  readonly maxBodyBytes?: number
  readonly timeouts?: TimeoutPolicy
  readonly affinity?: AffinityPolicy
  readonly balance?: 'round-robin' | 'least-requests'
}
