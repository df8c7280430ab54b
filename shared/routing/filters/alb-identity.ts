// Whom did an AWS load balancer let in? It says so in x-amzn-oidc-data, a token that it signs with ES256 ("Authenticate users
// using an Application Load Balancer", AWS): the token's header has signer, kid, iss, client and exp; its parts are padded.
//
// Invariant: only tokens of the one load balancer of the filter count: any other one of the region signs with keys from the
// same place.
// Invariant: where a key is fetched follows from the filter's ARN; of the token only a name without `/` and `.` gets into it.
import type { CheckToken } from './check-token.ts'
import type { CompileContext, KeyAnswer, KeyRef } from './kind.ts'
import type { TokenRules, VerifyToken } from './verify-token.ts'

const arnForm =
  /^arn:(aws|aws-us-gov|aws-cn):elasticloadbalancing:([a-z]{2}(?:-[a-z]+)+-\d):\d{12}:loadbalancer\/app\/[A-Za-z0-9-]{1,32}\/[0-9a-f]+$/
const kidForm = /^[A-Za-z0-9_-]{1,128}$/
// RFC 7515 §7.1, but with the padding that AWS leaves at the parts.
const tokenForm = /^([A-Za-z0-9_-]+={0,2})\.[A-Za-z0-9_-]+={0,2}\.[A-Za-z0-9_-]+={0,2}$/
const govRegions = ['us-gov-west-1', 'us-gov-east-1']

/** Tells whether the text is the ARN of an Application Load Balancer whose keys can be found. */
export function isAlbArn(arn: string): boolean {
  return keyBaseOf(arn) !== undefined
}

/** Where the key is: below `base`, else where AWS has those of the ARN's region. Undefined for what is no such key. */
export function keyUrlOf({ arn, kid }: KeyRef, base?: string): string | undefined {
  const place = keyBaseOf(arn)
  return place !== undefined && kidForm.test(kid) ? `${base ?? place}/${kid}` : undefined
}

function keyBaseOf(arn: string): string | undefined {
  const [, partition, region = ''] = arnForm.exec(arn) ?? []
  if (partition === undefined) return undefined
  if (partition === 'aws-us-gov') {
    return govRegions.includes(region)
      ? `https://s3-${region}.amazonaws.com/aws-elb-public-keys-prod-${region}`
      : undefined
  }
  const domain = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'
  return `https://public-keys.auth.elb.${region}.${domain}`
}

/** Makes the check of tokens of the load balancer `arn`; an audience of `rules` is one of its clients at the provider. */
export function checkByAlb(arn: string, rules: TokenRules, context: CompileContext): CheckToken {
  // Loaded by the first route that asks for tokens: nobody else pays for it.
  const loading = import('./verify-token.ts')
  const verifiers = new WeakMap<KeyAnswer, Promise<VerifyToken>>()
  const verifierOf = (answer: KeyAnswer & { readonly kind: 'found' }): Promise<VerifyToken> => {
    const known = verifiers.get(answer)
    if (known !== undefined) return known
    const made = loading.then(({ createAlbVerifier }) => createAlbVerifier(answer.pem, arn, rules))
    verifiers.set(answer, made)
    return made
  }
  return (token, nowMs, settle) => {
    const kid = kidOf(token, arn)
    if (kid === undefined) {
      settle('invalid-token')
      return () => {}
    }
    return context.publicKey({ arn, kid }, (answer) => {
      if (answer.kind !== 'found') {
        settle(answer.kind === 'missing' ? 'invalid-token' : 'no-keys')
        return
      }
      verifierOf(answer).then(
        (verify) => verify(token, nowMs).then(settle, () => settle('invalid-token')),
        // The key is none.
        () => settle('no-keys'),
      )
    })
  }
}

/** Reads which key a token names; undefined when it cannot be one of `arn`. Nothing of it is believed yet. */
function kidOf(token: string, arn: string): string | undefined {
  const head = tokenForm.exec(token)?.[1]
  if (head === undefined) return undefined
  try {
    const { alg, signer, kid } = JSON.parse(Buffer.from(head, 'base64url').toString())
    const isOurs = alg === 'ES256' && signer === arn && typeof kid === 'string' && kidForm.test(kid)
    return isOurs ? kid : undefined
  } catch {
    return undefined
  }
}
