// Which fields say what only a proxy in front can know, and which of them does a trusted peer really write? (`--trusted-fields`)
//
// Invariant: a load balancer passes most of them on as the client sent them: a trusted peer makes no field trusted that it
// does not write itself. What is not trusted never reaches an upstream, or only with Weir's own word in its place.

/** Presets: what stands in front of Weir, and the fields that it sets whatever a client sent. */
const presets: ReadonlyMap<string, readonly string[]> = new Map([
  ['none', []],
  // AWS appends to X-Forwarded-For and sets the other two.
  ['alb', ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port']],
  // X-Forwarded-Port is that of the way from CloudFront to the ALB, so that of the viewer's scheme is nearer to the truth.
  ['cloudfront', ['x-forwarded-for', 'x-forwarded-proto', 'cloudfront-*']],
  ['all', ['*']],
])

const families: readonly string[] = ['x-forwarded-*', 'x-original-*', 'cloudfront-*']

/**
 * Tells whether a field (lower case) is one in which a proxy speaks about its client: of ingress-nginx, IIS, Envoy, Akamai,
 * Cloudflare, CloudFront, Fastly, Rackspace and others. Asked for most lines of a request: comparisons cost less than a Set.
 */
export function isClaim(name: string): boolean {
  switch (name.charCodeAt(0)) {
    case 0x78: // x
      return name.startsWith('x-forwarded-') || name.startsWith('x-original-') || isClaimOfX(name)
    case 0x63: // c
      return name.startsWith('cloudfront-') || name.startsWith('cf-connecting-ip')
    case 0x66: // f
      return name === 'forwarded' || name === 'fastly-client-ip' || name === 'front-end-https'
    case 0x74: // t
      return name === 'true-client-ip'
    default:
      return false
  }
}

function isClaimOfX(name: string): boolean {
  switch (name) {
    case 'x-real-ip':
    case 'x-request-id':
    case 'x-forwarded':
    case 'x-client-ip':
    case 'x-cluster-client-ip':
    case 'x-scheme':
    case 'x-url-scheme':
    case 'x-rewrite-url':
    case 'x-envoy-external-address':
      return true
    default:
      return false
  }
}

/** The fields of a trusted peer that are believed. */
export interface TrustedFields {
  readonly forwardedFor: boolean
  readonly forwardedProto: boolean
  readonly forwardedHost: boolean
  readonly forwardedPort: boolean
  readonly realIp: boolean
  readonly requestId: boolean
  /** Any other, by its lower-case name; undefined when none is. */
  readonly others: { has(name: string): boolean } | undefined
}

/** Tells whether a word is a preset, a family, or the name of a field of which trust can be said. */
export function isTrustedFieldWord(word: string): boolean {
  const name = word.toLowerCase()
  return presets.has(name) || families.includes(name) || (isClaim(name) && !name.includes('*'))
}

/** Reads the words of `--trusted-fields`: presets, names of fields, and families such as `cloudfront-*`. */
export function readTrustedFields(words: readonly string[]): TrustedFields {
  const names = words.flatMap((word) => presets.get(word.toLowerCase()) ?? [word.toLowerCase()])
  const exact = new Set(names)
  const prefixes = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))
  const has = (name: string) =>
    exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix))
  const ownPlace = ['for', 'proto', 'host', 'port'].map((part) => `x-forwarded-${part}`)
  ownPlace.push('x-real-ip', 'x-request-id')
  return {
    forwardedFor: has('x-forwarded-for'),
    forwardedProto: has('x-forwarded-proto'),
    forwardedHost: has('x-forwarded-host'),
    forwardedPort: has('x-forwarded-port'),
    realIp: has('x-real-ip'),
    requestId: has('x-request-id'),
    others: names.some((name) => !ownPlace.includes(name)) ? { has } : undefined,
  }
}
