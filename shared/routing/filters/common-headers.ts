// Which fields do all routes alike set, hide or add? What ingress-nginx's ConfigMap says (add-headers, proxy-set-headers,
// hide-headers, hsts); the fields of the first two are in ConfigMaps of their own.
//
// Invariant: what cannot be a field is left out, the others are sent: a ConfigMap is read while requests are served.
import { faultOfName, faultOfValue } from './header-edits.ts'
import type { AssetData, Filter, FilterKind, ResponseStep, Stages } from './kind.ts'

export interface CommonHeadersFilter extends Filter {
  readonly kind: 'common-headers'
  /** A ConfigMap (`namespace/name`) of fields that go upstream. */
  readonly requestMap?: string
  /** A ConfigMap of fields that go to clients, whoever answers. */
  readonly responseMap?: string
  /** Fields of upstreams' responses that go no further; lower case. */
  readonly hide?: readonly string[]
  /** The value of Strict-Transport-Security (RFC 6797 §6.1), for clients that came by https; an upstream's own gives way. */
  readonly hsts?: string
}

type Field = readonly [name: string, value: string]

export const commonHeadersKind: FilterKind<CommonHeadersFilter> = {
  kind: 'common-headers',
  fault: ({ hide = [], hsts }) =>
    hide.map(faultOfName).find((fault) => fault !== undefined) ??
    (hsts === undefined ? undefined : faultOfValue(hsts)),
  assets: ({ requestMap, responseMap }) =>
    [requestMap, responseMap].flatMap((name) =>
      name === undefined ? [] : [{ kind: 'config-map' as const, name }],
    ),
  compile({ requestMap, responseMap, hide = [], hsts }, context): Stages {
    const fieldsIn = (name: string) => context.asset({ kind: 'config-map', name }, fieldsOf)
    const request = requestMap === undefined ? undefined : fieldsIn(requestMap)
    const response = responseMap === undefined ? undefined : fieldsIn(responseMap)
    const responseStep: ResponseStep = {
      includesOwn: true,
      kind: 'sync',
      decide(view) {
        for (const [name, value] of response?.value ?? []) view.setField(name, value)
        if (hsts !== undefined && view.request.scheme === 'https') {
          view.setField('strict-transport-security', hsts)
        }
        return undefined
      },
    }
    return {
      ...(request && {
        request: {
          kind: 'sync',
          decide(view) {
            for (const [name, value] of request.value ?? []) view.setField(name, value)
            return undefined
          },
        },
      }),
      ...(response !== undefined || hsts !== undefined ? { response: responseStep } : {}),
      ...(hide.length > 0 ? { responseEdits: { dropped: new Set(hide), appended: '' } } : {}),
    }
  },
}

/** The entries that can be sent as they stand: no variable of nginx is among them. */
function fieldsOf(data: AssetData): readonly Field[] {
  return Object.entries(data)
    .map(([name, value]): Field => [name.toLowerCase(), value.trim()])
    .filter(
      ([name, value]) =>
        faultOfName(name) === undefined &&
        faultOfValue(value) === undefined &&
        value !== '' &&
        !value.includes('$'),
    )
}
