// Whose conditions count where several objects ask for one path?
import t from 'tap'
import type { Condition } from './conditions/condition.ts'
import { compareClaims, settleHost } from './settle-host.ts'
import type { Claim } from './source.ts'
import { routeOf } from './testing/route.ts'
import { refOf } from './upstreams/backend-ref.ts'

const get: Condition = { kind: 'method', anyOf: ['GET'] }

/** The claim of an object by its `namespace/name`; the older one has the smaller `age`. */
function claim(object: string, age: number, changes: Partial<Claim> & Sketch = {}): Claim {
  const { path = '/x', pathType = 'Prefix', kind = 'Ingress', conditions = [], ...rest } = changes
  const [namespace = '', name = ''] = object.split('/')
  const route = routeOf({ host: 'a.test', path, pathType, service: name, namespace, name })
  return {
    route: {
      ...route,
      owner: { ...route.owner, kind },
      match: { ...route.match, conditions },
    },
    backends: [refOf({ namespace, service: name, port: 80 })],
    place: 0,
    field: 'rules[0]',
    createdAt: age,
    role: 'rule',
    ...rest,
  }
}

interface Sketch {
  readonly path?: string
  readonly pathType?: 'Exact' | 'Prefix' | 'Regex'
  readonly kind?: string
  readonly conditions?: readonly Condition[]
}

const narrowed: Sketch = { conditions: [get] }
const unread = { isMatchUnknown: true } as const

const cases: readonly {
  readonly claims: readonly Claim[]
  readonly winners: readonly string[]
  readonly says?: RegExp
  readonly why: string
}[] = [
  {
    claims: [claim('shop/plain', 1), claim('shop/canary', 2, narrowed)],
    winners: ['shop/plain', 'shop/canary'],
    why: 'conditions in the namespace that was there first',
  },
  {
    claims: [claim('shop/plain', 1), claim('evil/canary', 2, narrowed)],
    winners: ['shop/plain'],
    says: /^Prefix \/x of host a\.test belongs to the namespace shop by Ingress shop\/plain/,
    why: 'another namespace cannot take its requests',
  },
  {
    claims: [claim('evil/canary', 1, narrowed), claim('shop/plain', 2)],
    winners: ['evil/canary', 'shop/plain'],
    why: 'the path was free when the older one came',
  },
  {
    claims: [claim('shop/canary', 1, narrowed), claim('evil/other', 2, { conditions: [get, get] })],
    winners: ['shop/canary'],
    says: /^Prefix \/x .* namespace shop/,
    why: 'nor take requests from conditions',
  },
  {
    claims: [claim('shop/plain', 1), claim('evil/canary', 2, { ...narrowed, path: '/x/y' })],
    winners: ['shop/plain', 'evil/canary'],
    why: 'a longer path is another one, with or without conditions',
  },
  {
    claims: [claim('shop/plain', 1), claim('other/canary', 2, { ...narrowed, kind: 'HTTPRoute' })],
    winners: ['shop/plain', 'other/canary'],
    why: 'Gateway API has an owner who lets namespaces in',
  },
  {
    claims: [claim('shop/bad', 1, unread), claim('shop/plain', 2)],
    winners: ['shop/plain'],
    says: /^Prefix \/x .* already served by rules\[0\] of Ingress shop\/plain, whose conditions can be read/,
    why: 'who cannot say what it means gives way',
  },
  {
    claims: [claim('shop/bad', 1, unread), claim('shop/spare', 2, { role: 'default' })],
    winners: ['shop/spare'],
    says: /conditions can be read/,
    why: 'to default backends, too',
  },
  {
    claims: [claim('shop/bad', 1, unread), claim('shop/canary', 2, narrowed)],
    winners: ['shop/canary', 'shop/bad'],
    why: 'and takes what nobody else serves',
  },
  {
    claims: [claim('evil/bad', 2, unread), claim('shop/canary', 1, narrowed)],
    winners: ['shop/canary', 'evil/bad'],
    why: 'of another namespace, too',
  },
  {
    claims: [claim('shop/bad', 1, unread), claim('evil/canary', 2, narrowed)],
    winners: ['shop/bad'],
    says: /^Prefix \/x .* belongs to the namespace shop by Ingress shop\/bad/,
    why: 'who cannot say what it means does not lose the path to another namespace by that',
  },
  {
    claims: [claim('shop/bad', 1, unread), claim('evil/plain', 2)],
    winners: ['shop/bad'],
    says: /^Prefix \/x .* already served by rules\[0\] of Ingress shop\/bad, which is older/,
    why: 'with or without conditions',
  },
  {
    claims: [claim('other/plain', 1), claim('shop/bad', 2, unread)],
    winners: ['other/plain'],
    says: /^Prefix \/x .* already served by rules\[0\] of Ingress other\/plain, whose cond/,
    why: 'nor does it get one',
  },
  {
    claims: [
      claim('evil/all', 2, { path: '/', pathType: 'Regex' }),
      claim('shop/bad', 1, { ...unread, path: '/' }),
    ],
    winners: ['evil/all', 'shop/bad'],
    why: 'also not at the root, to a pattern',
  },
  {
    claims: [
      claim('shop/bad', 1, unread),
      claim('shop/late', 3, narrowed),
      claim('evil/canary', 2, narrowed),
    ],
    winners: ['shop/late', 'shop/bad'],
    says: /^Prefix \/x .* belongs to the namespace shop by Ingress shop\/bad/,
    why: 'nor do its neighbours',
  },
  {
    claims: [
      claim('shop/all', 2, { path: '/', pathType: 'Regex' }),
      claim('shop/bad', 1, { ...unread, path: '/' }),
    ],
    winners: ['shop/all'],
    why: 'also at the root to the pattern of every path',
  },
  {
    claims: [
      claim('shop/all', 2, { path: '/', pathType: 'Regex' }),
      claim('shop/bad', 1, { ...unread, path: '/admin' }),
    ],
    winners: ['shop/all', 'shop/bad'],
    why: 'but the pattern opens no other path of it',
  },
]

for (const { claims, winners, says, why } of cases) {
  t.test(`${winners.join(', ')}: ${why}`, async (t) => {
    const ordered = claims.toSorted(compareClaims)
    const settled = settleHost('a.test', ordered)
    t.same(
      settled.winners.map(({ route }) => `${route.owner.namespace}/${route.owner.name}`),
      winners,
    )
    t.match(
      settled.conflicts.map(({ problem }) => problem.message),
      says === undefined ? [] : [says],
    )
    t.equal(settled.conflicts.length, says === undefined ? 0 : 1)
  })
}
