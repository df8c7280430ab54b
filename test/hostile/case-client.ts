// What does a run need of the client that plays a case, whatever version of HTTP it speaks?
import type { RunningProxy } from '../support/programs.ts'
import type { RawResponse } from '../support/raw-client.ts'
import type { HostileCase, Segmentation } from './cases.ts'
import type { Recorder } from './recorder.ts'
import type { Seen } from './seen.ts'

/** A proxy, its upstreams, and how the times of the cases are scaled for it. */
export interface Lane {
  readonly target: RunningProxy
  readonly recorder: Recorder
  readonly timeScale: number
  /** The longest wait for an end, ms; above every scaled timeout of the proxy. */
  readonly patienceMs: number
}

export interface Variant {
  readonly segmentation: Segmentation
  readonly reusedConnection: boolean
}

/** What the client sent and saw. */
export type ClientView = Pick<
  Seen,
  | 'sentMessages'
  | 'responses'
  | 'clientBytes'
  | 'responseError'
  | 'ended'
  | 'tunnelled'
  | 'firstBodyAt'
>

/** A client with one case to play. */
export interface CaseClient {
  /** Makes a plain request on the connection that the case will use. */
  warmUp(target: string): Promise<RawResponse | undefined>
  /** Plays; returns by how many KiB the proxy grew while it was not read from, 0 where that was not measured. */
  play(lane: Lane): Promise<number>
  /** Waits until the play has an end that can be judged. */
  whenOver(lane: Lane): Promise<void>
  view(): ClientView
  close(): void
}

/** Opens a connection for one run of a case. */
export type OpenCase = (lane: Lane, hostile: HostileCase, variant: Variant) => Promise<CaseClient>
