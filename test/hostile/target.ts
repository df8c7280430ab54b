// What is a proxy under test? Started with the cases' routes in front of the recorder's ports, stopped by process id.
import type { RunningProxy } from '../support/programs.ts'
import type { Service } from './recorder.ts'

/** Timeouts, ms, that the cases' times were scaled to. */
export interface Timeouts {
  readonly headerMs: number
  readonly bodyIdleMs: number
  readonly responseMs: number
  readonly keepAliveMs: number
  readonly writeStallMs: number
}

/** One rule of the cases' fixture. */
export interface FixtureRoute {
  readonly host: string
  readonly path: string
  readonly service: Service
}

export const fixtureRoutes: readonly FixtureRoute[] = [
  { host: 'a.test', path: '/', service: 'echo' },
  { host: 'a.test', path: '/public', service: 'public' },
  { host: 'a.test', path: '/admin', service: 'admin' },
  { host: 'b.test', path: '/', service: 'b' },
  { host: 'secret.internal', path: '/', service: 'secret' },
]

/** A way to start one. `undefined` from `missing` means that it is installed. */
export interface Target {
  readonly name: string
  missing(): string | undefined
  start(upstreams: ReadonlyMap<Service, number>, timeouts: Timeouts): Promise<RunningProxy>
}
