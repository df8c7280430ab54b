// What every suite of the cluster test stands on.
import type { Admin } from './admin.ts'
import type { Checks } from './checks.ts'
import type { Servers } from './servers.ts'

/** A running cluster, and where to report. */
export interface Stage extends Checks {
  readonly servers: Servers
  readonly admin: Admin
  /** Programs of Kubernetes: kubectl. */
  readonly binaries: string
  /** For files of the suites; vanishes at the end. */
  readonly folder: string
}

/** One part of the test. */
export interface Suite {
  readonly name: string
  run(stage: Stage): Promise<void>
}
