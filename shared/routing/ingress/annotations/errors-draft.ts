// Who answers for the errors of an Ingress's applications, where its annotations or the ConfigMap say so?
import type { CustomErrorsFilter } from '../../filters/custom-errors.ts'
import type { BackendName } from '../../upstreams/backend-ref.ts'
import type { IngressDefaults } from '../defaults.ts'
import type { RouteNames } from './nginx-text.ts'

/** What an Ingress says about errors. */
export interface ErrorsDraft {
  /** `--default-backend`. */
  readonly globalBackend?: BackendName
  /** A Service of the namespace that answers for one without endpoints, and for errors. */
  readonly defaultBackend?: string
  readonly customErrors?: readonly number[]
  readonly passesErrors?: boolean
}

/** The same, with where it is said and what counts without it. */
export interface ErrorsWishes extends ErrorsDraft {
  readonly namespace: string
  readonly defaults: IngressDefaults
}

/** The filter of a route; undefined where nothing is asked for. */
export function customErrorsFilter(
  draft: ErrorsWishes,
  names: RouteNames,
): CustomErrorsFilter | undefined {
  const { defaultBackend, globalBackend, customErrors, passesErrors, defaults, namespace } = draft
  const statuses = customErrors ?? defaults.customErrors ?? []
  if (statuses.length === 0 && defaultBackend === undefined) return undefined
  const own = defaultBackend && { namespace, service: defaultBackend, port: 0 }
  const from = own || globalBackend
  return {
    kind: 'custom-errors',
    statuses,
    ...(from === undefined ? {} : { from }),
    whenEmpty: defaultBackend !== undefined,
    ownOnly: passesErrors ?? defaults.passesErrors ?? false,
    ingress: names.ingress,
    of: { namespace, service: names.service, port: names.port },
    timeoutMs: 5000,
  }
}

/** Says whether two Services of the Ingress may need different filters. */
export function asksForErrors({ defaultBackend, customErrors, defaults }: ErrorsWishes): boolean {
  return defaultBackend !== undefined || (customErrors ?? defaults.customErrors ?? []).length > 0
}
