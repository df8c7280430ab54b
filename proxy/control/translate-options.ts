// From settings to what the translation of objects goes by.
import { formatOrigin, readOrigin } from '../../shared/auth-origin.ts'
import { readPredicates } from '../../shared/routing/eskip/predicates/read.ts'
import { annotationReader } from '../../shared/routing/ingress/annotations/read.ts'
import type { IngressDefaults } from '../../shared/routing/ingress/defaults.ts'
import type { TranslateOptions } from '../../shared/routing/translate.ts'
import type { ProxySettings } from '../settings.ts'

/** What the settings say of how objects are translated. */
export function translateOptions(settings: ProxySettings): TranslateOptions {
  const { externalNames } = settings
  const defaultBackend = settings.defaultBackend && {
    ...settings.defaultBackend,
    service: settings.defaultBackend.name,
  }
  return {
    classRules: {
      ingressClasses: settings.ingressClass,
      controllerClasses: settings.controllerClass,
      watchWithoutClass: settings.watchIngressWithoutClass,
      byName: settings.ingressClassByName,
    },
    externalNames,
    authUrls: askedOrigins(settings),
    backendUrls: settings.backendUrls,
    hasRouteGroups: settings.routeGroups,
    eskip: eskipOptions(settings),
    readAnnotations: annotationReader({
      ignored: settings.ignoreAnnotations,
      pathWildcards: settings.pathWildcards,
      hasNoTls: settings.listenTls === undefined,
      defaultBackend,
    }),
    ingressSettings: {
      like: settings.like,
      configMap: settings.configMap,
      disableCatchAll: settings.disableCatchAll,
      base: baseOf(settings),
    },
    ...(defaultBackend && { defaultBackend }),
  }
}

/** What the options say of all routes that are written in eskip. */
function eskipOptions(settings: ProxySettings): NonNullable<TranslateOptions['eskip']> {
  const { forwardBackendUrl, httpsRedirect, ignoreTrailingSlash } = settings
  const { tokeninfoUrl, allowDiagnosticFilters } = settings
  const { defaultFiltersPrepend: prepend, defaultFiltersAppend: append } = settings
  const { eastWestRangeDomains: domains, eastWestRangePredicates } = settings
  const forward = forwardBackendUrl === undefined ? undefined : readOrigin(forwardBackendUrl)
  const eastWest = readPredicates(eastWestRangePredicates)
  return {
    ...(forward?.ok === true && { forwardUrl: forward.origin }),
    ...(tokeninfoUrl !== undefined && { tokeninfoUrl }),
    ...(httpsRedirect && { httpsRedirect }),
    ...(ignoreTrailingSlash && { ignoresSlash: true }),
    ...(allowDiagnosticFilters && { allowsDiagnostics: true }),
    ...(prepend.length > 0 && { prepend }),
    ...(append.length > 0 && { append }),
    ...(domains.length > 0 && eastWest.ok && { eastWest: { domains, match: eastWest.match } }),
  }
}

/** Where filters may ask: what the operator has them ask counts as allowed. */
function askedOrigins({ authUrls, tokeninfoUrl }: ProxySettings): readonly string[] {
  const asked = tokeninfoUrl === undefined ? undefined : readOrigin(tokeninfoUrl)
  return asked?.ok === true ? [...authUrls, formatOrigin(asked.origin)] : authUrls
}

/** What the options say of all Ingresses; undefined: nothing. */
function baseOf(settings: ProxySettings): IngressDefaults | undefined {
  const trace = traceWishes(settings)
  const eskip = eskipOptions(settings)
  const redirect = settings.httpsRedirect ? { forceSslRedirect: true } : {}
  return Object.keys(eskip).length === 0 ? trace : { ...trace, ...redirect, eskip }
}

/** What the options say about traces of all Ingresses; undefined: nothing. */
function traceWishes(settings: ProxySettings): IngressDefaults | undefined {
  const { otlpEndpoint, traceRatio, traceIncoming } = settings
  if (otlpEndpoint === undefined && traceRatio === 1 && traceIncoming) return undefined
  const sampling = traceRatio < 1 ? { sampler: 'ratio' as const, ratio: traceRatio } : {}
  const isOn = otlpEndpoint === undefined ? {} : { isOn: true }
  return { trace: { ...isOn, trustsIncoming: traceIncoming, ...sampling } }
}
