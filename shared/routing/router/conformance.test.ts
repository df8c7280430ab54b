// The path and host cases of the public suites, asked of the router alone: rules as they stand, no classes, no defaults.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { normalisePath } from '../path.ts'
import type { Rule } from './host-rules.ts'
import { emptyRouter, findRoute, updateRouter } from './router.ts'

interface Backend {
  readonly service?: { readonly name: string }
}
interface Case {
  readonly id: string
  readonly scenario: string
  readonly ingresses?: readonly {
    readonly spec: {
      readonly defaultBackend?: Backend
      readonly rules?: readonly {
        readonly host?: string
        readonly http?: {
          readonly paths: readonly { pathType: string; path?: string; backend: Backend }[]
        }
      }[]
    }
  }[]
  readonly requests: readonly {
    readonly host?: string
    readonly path?: string
    readonly expect: { readonly status?: number; readonly service?: string }
  }[]
}

const file = new URL('../../../test/cases/conformance-cases.json', import.meta.url)
// The file is our own copy of the case data; its shape is the one above.
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: readonly Case[] }

/** Cases about what is decided before the router: classes, invalid paths, which object answers by default. */
const notRouting =
  /ingress class|default.?backend|is dropped|default backend|nil backend|terminating but serving|cross/i

function rulesOf({ ingresses = [] }: Case): Rule<string>[] {
  return ingresses.flatMap(({ spec }) =>
    (spec.rules ?? []).flatMap(({ host = '', http }) =>
      (http?.paths ?? []).map(({ pathType, path = '/', backend }): Rule<string> => {
        return {
          host,
          pathType: pathType === 'Exact' ? 'Exact' : 'Prefix',
          path,
          value: backend.service?.name ?? '',
        }
      }),
    ),
  )
}

let asked = 0
for (const one of cases) {
  const rules = rulesOf(one)
  if (rules.length === 0 || notRouting.test(one.scenario)) continue
  const router = updateRouter(
    emptyRouter<string>(),
    Map.groupBy(rules, ({ host }) => host),
  )
  for (const { host = '', path = '/', expect } of one.requests) {
    if (expect.status !== 200 && expect.status !== 404) continue
    asked += 1
    t.test(`${one.id} ${one.scenario}: ${host}${path}`, async (t) => {
      const name = host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
      const normalised = normalisePath(path.split('?', 1)[0] ?? '')
      t.ok(normalised, 'the path is not refused')
      const found = findRoute(router, name, normalised ?? '')
      t.equal(found, expect.status === 404 ? undefined : expect.service)
    })
  }
}

t.test('most of the routing cases were asked', async (t) => {
  t.ok(asked >= 70, String(asked))
})
