// What can be set for what is written in Skipper's words? Part of the table of settings-table.ts.
import { authOrigins, boolean, httpUrl } from '../shared/options-kinds.ts'
import { type OptionTable, option, optional } from '../shared/options-table.ts'

const skipper = "Routes in Skipper's words"

export const skipperOptions = {
  routeGroups: option(boolean, {
    group: skipper,
    default: true,
    help: 'Serves RouteGroups (zalando.org/v1) as well, where the cluster knows them: those without a class, and those whose `zalando.org/routegroup.class` is one of --ingress-class.',
  }),
  backendUrls: option(authOrigins, {
    group: skipper,
    default: [],
    help: 'Allows network backends and lists of endpoints, of RouteGroups and in eskip, to lead to these origins; all others are refused. `any` allows all but addresses of this machine and of links.',
  }),
  forwardBackendUrl: optional(httpUrl, {
    group: skipper,
    absent: 'none (503)',
    help: 'Sends what is meant for `<forward>`, as `zalando.org/skipper-backend: forward` asks, to this other edge; --backend-urls must allow it.',
  }),
} satisfies OptionTable
