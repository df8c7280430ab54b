// What the proxy's admin port shows besides metrics, liveness and readiness.
//
//   /routes   the table; ?host=H, ?problems, ?eskip
//   /status   what the control socket tells: state, requests in flight, what is expected of the PROXY protocol
import {
  type AdminBasics,
  type AdminPage,
  type AdminServer,
  jsonType,
  startAdminServer,
} from '../../../shared/admin-server.ts'
import { type ControlStatus, encodeControlLine } from '../../../shared/control-socket.ts'
import { routesEskip } from './routes-eskip.ts'
import { type AdminRoutes, routesJson } from './routes-json.ts'

/** What the proxy's admin port shows. */
export interface AdminOptions extends AdminBasics {
  readonly routes: () => AdminRoutes
  readonly status: () => ControlStatus | Promise<ControlStatus>
}

/** Starts the admin port; rejects when it cannot listen. */
export function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const pages = new Map([
    ['/status', statusPage(options)],
    ['/routes', routesPage(options)],
  ])
  return startAdminServer({ ...options, pages })
}

function statusPage({ status }: AdminOptions): AdminPage {
  return {
    help: '/status',
    type: jsonType,
    async *body() {
      yield encodeControlLine(await status())
    },
  }
}

function routesPage({ routes }: AdminOptions): AdminPage {
  return {
    help: '/routes (?host=HOST for one host, ?problems for what is wrong, ?eskip in the language of Skipper)',
    type: jsonType,
    body: (query) =>
      query.has('eskip')
        ? routesEskip(routes().table, query.get('host') ?? undefined)
        : routesJson(routes(), {
            host: query.get('host') ?? undefined,
            problemsOnly: query.has('problems'),
          }),
  }
}
