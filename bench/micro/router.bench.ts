// What does a lookup cost, and what a change, with 10, 1,000 and 100,000 routes, and what do conditions add?
import type { Rule } from '../../shared/routing/router/host-rules.ts'
import {
  emptyRouter,
  type Router,
  selectRoute,
  updateRouter,
} from '../../shared/routing/router/router.ts'
import { measure } from './measure.ts'

const queries = 4096

/** Stands for the questions of a route; a host without conditions never asks. */
const holds = () => true

function rulesOf(host: string, paths: number): Rule<number>[] {
  return Array.from({ length: paths }, (_, i) => ({
    host,
    pathType: 'Prefix',
    path: `/service-${i}/api`,
    value: i,
  }))
}

const hostName = (i: number) => `app-${i}.team-${i % 50}.example.com`

/** Cuts each query out of one long string, as a request's host and path are cut out of its head. */
function cut(texts: readonly string[]): string[] {
  const all = texts.join(' ')
  let at = 0
  return texts.map((text) => {
    const piece = all.slice(at, at + text.length)
    at += text.length + 1
    return piece
  })
}

/** Asks for hosts and paths in an order without pattern, so that the caches work as they would under traffic. */
function bench(name: string, router: Router<number>, hosts: number, paths: number): void {
  let seed = 1
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed % below
  }
  const names = cut(Array.from({ length: queries }, () => hostName(random(hosts))))
  const targets = cut(
    Array.from({ length: queries }, () => `/service-${random(paths)}/api/v1/items`),
  )
  measure(`find: ${name}`, (i) =>
    selectRoute(router, names[i % queries] ?? '', targets[i % queries] ?? '', holds),
  )
}

for (const { hosts, paths } of [
  { hosts: 1, paths: 10 },
  { hosts: 10, paths: 1 },
  { hosts: 1, paths: 1000 },
  { hosts: 100, paths: 10 },
  { hosts: 1000, paths: 1 },
  { hosts: 10_000, paths: 10 },
  { hosts: 100_000, paths: 1 },
]) {
  const all = new Map<string, Rule<number>[]>()
  for (let i = 0; i < hosts; i += 1) all.set(hostName(i), rulesOf(hostName(i), paths))
  const start = performance.now()
  const router = updateRouter(emptyRouter<number>(), all)
  const buildMs = performance.now() - start
  const name = `${hosts} hosts x ${paths} paths`
  console.log(`build: ${name.padEnd(51)} ${buildMs.toFixed(2).padStart(9)} ms`)
  bench(name, router, hosts, paths)
  measure(`change one host of ${name}`, (i) => {
    const host = hostName(i % hosts)
    return updateRouter(router, new Map([[host, rulesOf(host, paths)]]))
  })
}

const withConditions = rulesOf('h', 10).flatMap((rule): Rule<number>[] => [
  rule,
  { ...rule, value: -1, conditions: [{ kind: 'header', name: 'x', text: { kind: 'present' } }] },
])
const router = updateRouter(emptyRouter<number>(), new Map([['h', withConditions]]))
const path = cut(Array.from({ length: queries }, (_, i) => `/service-${i % 10}/api/v1/items`))
measure('find: two candidates, the first holds', (i) =>
  selectRoute(router, 'h', path[i % queries] ?? '', () => true),
)
measure('find: two candidates, the second holds', (i) =>
  selectRoute(router, 'h', path[i % queries] ?? '', (value) => value >= 0),
)
