// What the controller's admin port shows besides metrics, liveness and readiness: /targets.
//
// /readyz never turns back to 503 once the controller has started: the container shares its pod with a proxy, and
// an unready sidecar would take a healthy proxy out of service because AWS or the API server has a bad day.
import {
  type AdminBasics,
  type AdminServer,
  jsonType,
  startAdminServer,
} from '../shared/admin-server.ts'

/** What the controller's admin port shows. */
export interface AdminOptions extends Omit<AdminBasics, 'isLive' | 'whyNotReady'> {
  readonly isReady: () => boolean
  /** The document of /targets. */
  readonly targets: () => unknown
}

/** Starts the admin port; rejects when it cannot listen. */
export function startAdmin({ isReady, targets, ...basics }: AdminOptions): Promise<AdminServer> {
  return startAdminServer({
    ...basics,
    // A process that answers needs no restart.
    isLive: () => true,
    whyNotReady: () => (isReady() ? undefined : 'this replica does not know its part yet'),
    pages: new Map([
      [
        '/targets',
        {
          help: '/targets',
          type: jsonType,
          body: () => [`${JSON.stringify(targets(), undefined, 2)}\n`],
        },
      ],
    ]),
  })
}
