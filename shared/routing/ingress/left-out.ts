// Which of our Ingresses does the operator not want served at all? Those that ingress-nginx would not take over either.
import type { Ingress } from '../../kube/objects.ts'
import type { Problem } from '../../problem.ts'
import { identityOf, isAbsent, mappingOf } from '../shapes.ts'
import type { IngressDefaults } from './defaults.ts'

const prefix = 'nginx.ingress.kubernetes.io/'

/** Why an Ingress is left out; undefined: it is not. `disableCatchAll` is the option of that name. */
export function leftOut(
  ingress: Ingress,
  disableCatchAll: boolean,
  { forbiddenWords = [] }: IngressDefaults,
): Problem | undefined {
  if (disableCatchAll && !isAbsent(mappingOf(ingress.spec).defaultBackend)) {
    return problemOf(
      ingress,
      'spec.defaultBackend',
      'The Ingress has a default backend, which --disable-catch-all forbids: none of it is served.',
      'Remove the default backend, and write rules.',
    )
  }
  if (forbiddenWords.length === 0) return undefined
  for (const [key, value] of Object.entries(mappingOf(ingress.metadata?.annotations))) {
    if (!key.startsWith(prefix) || typeof value !== 'string') continue
    const word = forbiddenWords.find((each) => value.includes(each))
    if (word === undefined) continue
    return problemOf(
      ingress,
      `metadata.annotations[${JSON.stringify(key)}]`,
      `The value has the word ${JSON.stringify(word)}, which annotation-value-word-blocklist forbids: none of the Ingress is served.`,
      'Write it without that word, or take the word out of the ConfigMap.',
    )
  }
  return undefined
}

function problemOf(ingress: Ingress, field: string, message: string, remedy: string): Problem {
  const { namespace, name = '' } = identityOf(ingress)
  return { reason: 'left-out', kind: 'Ingress', namespace, name, field, message, remedy }
}
