// Whom does a worker believe about clients, and in which words does it tell upstreams? Options, and what the ConfigMap adds.
//
// Invariant: the object is replaced as a whole when anything of it changes: facts that were settled with another one are stale.
import { createCidrSet } from '../../shared/cidr.ts'
import type { ServingRules } from '../../shared/routing/serving-rules.ts'
import { readTrustedFields, type TrustedFields } from '../../shared/trusted-fields.ts'
import type { TrustedPeers } from './forwarded-for.ts'

/** How ingress-nginx tells upstreams about clients. */
export interface NginxHeaders {
  readonly keepsForwardedChain: boolean
  readonly generatesRequestId: boolean
  readonly addsOriginalUri: boolean
  /** The field in which the chain of addresses came; lower case. */
  readonly forwardedForField: string
}

/** What counts for all connections of a worker. */
export interface ClientRules {
  /** All peers of which anything is believed. */
  readonly trusted: TrustedPeers
  /** What is believed of a peer; undefined: nothing. */
  believedOf(address: string): TrustedFields | undefined
  /** Where another field than X-Forwarded-For holds the chain of addresses: lower case. */
  readonly forwardedForField: string | undefined
  /** Undefined: as Weir tells them, or as Skipper does. */
  readonly nginx: NginxHeaders | undefined
  readonly isAsSkipper: boolean
}

/** The options that these rules are made of. */
export interface ClientSettings {
  readonly trustedProxies: readonly string[]
  readonly trustedFields: readonly string[]
  readonly forwardedHeaders: 'default' | 'nginx' | 'skipper'
}

const usual = 'x-forwarded-for'

/** Makes the rules of the options and of what objects say. */
export function createClientRules(settings: ClientSettings, rules: ServingRules): ClientRules {
  const byOption = createCidrSet(settings.trustedProxies)
  const optionFields = readTrustedFields(settings.trustedFields)
  const { forwardedForField = usual } = rules
  const nginx =
    settings.forwardedHeaders === 'nginx'
      ? {
          keepsForwardedChain: rules.keepsForwardedChain ?? false,
          generatesRequestId: rules.generatesRequestId ?? true,
          addsOriginalUri: rules.addsOriginalUri ?? false,
          forwardedForField,
        }
      : undefined
  const ruleNames = namesOf(rules, forwardedForField)
  const own = {
    nginx,
    isAsSkipper: settings.forwardedHeaders === 'skipper',
    forwardedForField: forwardedForField === usual ? undefined : forwardedForField,
  }
  if (ruleNames.length === 0) {
    return {
      ...own,
      trusted: byOption,
      believedOf: (address) => (byOption.has(address) ? optionFields : undefined),
    }
  }
  const byRule = createCidrSet(rules.believedNetworks ?? ['0.0.0.0/0', '::/0'])
  const ruleFields = readTrustedFields(ruleNames)
  const bothFields = readTrustedFields([...settings.trustedFields, ...ruleNames])
  return {
    ...own,
    trusted: { has: (address) => byOption.has(address) || byRule.has(address) },
    believedOf(address) {
      if (byRule.has(address)) return byOption.has(address) ? bothFields : ruleFields
      return byOption.has(address) ? optionFields : undefined
    },
  }
}

function namesOf(rules: ServingRules, forwardedForField: string): readonly string[] {
  if (rules.believesForwarded === true) {
    return [forwardedForField, 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port']
  }
  return rules.believesAddress === true ? [forwardedForField] : []
}
