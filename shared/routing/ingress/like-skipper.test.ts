// What do Ingresses mean with `--like skipper`?
import t from 'tap'
import type { Claim } from '../source.ts'
import { type RouteSketch, routeOf } from '../testing/route.ts'
import { asSkipper } from './like-skipper.ts'

function claim(sketch: RouteSketch, role: Claim['role'] = 'rule'): Claim {
  return { route: routeOf(sketch), backends: [], place: 0, field: '', createdAt: 0, role }
}

function matchOf(given: Claim) {
  return asSkipper({ claims: [given], problems: [] }).claims[0]?.route.match
}

t.test('a rule with a host stays where it is', async (t) => {
  t.match(matchOf(claim({ host: 'a.test', path: '/x' })), {
    host: 'a.test',
    path: '/x',
    pathType: 'Prefix',
    weight: 0,
  })
})

t.test('a rule without a host is for every host', async (t) => {
  t.match(matchOf(claim({ host: '', path: '/x' })), { host: '*', pathType: 'Prefix', weight: 0 })
})

t.test('a default backend takes what no path takes', async (t) => {
  t.match(matchOf(claim({ host: '', path: '/' }, 'default')), { host: '*', pathType: 'Any' })
  t.match(matchOf(claim({ host: 'a.test', path: '/' }, 'default')), { pathType: 'Prefix' })
})

t.test('what predicates weigh stays', async (t) => {
  t.match(matchOf(claim({ host: 'a.test', weight: 3 })), { weight: 3 })
})

t.test('an Ingress that asks for nothing is the same', async (t) => {
  const reading = { claims: [], problems: [] }
  t.equal(asSkipper(reading), reading)
})
