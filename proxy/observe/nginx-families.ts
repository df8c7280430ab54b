// Which metrics of ingress-nginx are exported, for those who have dashboards and alerts of it (`--metrics-like ingress-nginx`)?
//
// Names, labels and buckets are those of kubernetes/ingress-nginx 1.15.1, internal/ingress/metric/collectors/ (socket.go,
// controller.go, nginx_status.go, process.go) and internal/ingress/metric/main.go. What is measured a little differently says so.
import type { Family } from './families.ts'
import { labelText } from './series-text.ts'

// Prometheus' own default buckets, and prometheus.LinearBuckets(10, 10, 10), prometheus.ExponentialBuckets(10, 10, 7).
const timeBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const
const lengthBounds = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100] as const
const sizeBounds = [10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000] as const

/** What is counted per request, by host and path of the rule, method and status. */
export const nginxRequestFamilies = {
  requests: {
    name: 'nginx_ingress_controller_requests',
    kind: 'counter',
    help: 'Requests that ended and had a route, tunnels included.',
  },
  request: {
    name: 'nginx_ingress_controller_request_duration_seconds',
    kind: 'histogram',
    help: 'From the first byte of a request to the last byte of its response; a tunnel with all of its life.',
    bounds: timeBounds,
  },
  response: {
    name: 'nginx_ingress_controller_response_duration_seconds',
    kind: 'histogram',
    help: 'From connecting to an endpoint to the end of its response, which a slow client makes later.',
    bounds: timeBounds,
  },
  header: {
    name: 'nginx_ingress_controller_header_duration_seconds',
    kind: 'histogram',
    help: 'From connecting to an endpoint to the head of its response, without the time in which a request body was sent.',
    bounds: timeBounds,
  },
  connect: {
    name: 'nginx_ingress_controller_connect_duration_seconds',
    kind: 'histogram',
    help: 'Time of connecting to an endpoint; 0 where a connection was used again.',
    bounds: timeBounds,
  },
  requestSize: {
    name: 'nginx_ingress_controller_request_size',
    kind: 'histogram',
    help: 'Bytes of requests: bodies, and heads by a few bytes; without what frames them.',
    bounds: lengthBounds,
  },
  responseSize: {
    name: 'nginx_ingress_controller_response_size',
    kind: 'histogram',
    help: 'Bytes of responses: bodies, and heads by a few bytes; without what frames them.',
    bounds: lengthBounds,
  },
  bytesSent: {
    name: 'nginx_ingress_controller_bytes_sent',
    kind: 'histogram',
    help: 'The same in wider buckets.',
    bounds: sizeBounds,
  },
} as const satisfies Record<string, Family>

/** What the control thread knows about the whole proxy. */
export const nginxProcessFamilies = {
  configHash: {
    name: 'nginx_ingress_controller_config_hash',
    kind: 'gauge',
    help: 'Another number for each table of routes: how many there were.',
  },
  reloadSuccessful: {
    name: 'nginx_ingress_controller_config_last_reload_successful',
    kind: 'gauge',
    help: '1 from the first table of routes on: a table that cannot be applied does not exist.',
  },
  reloadTime: {
    name: 'nginx_ingress_controller_config_last_reload_successful_timestamp_seconds',
    kind: 'gauge',
    help: 'When the table of routes last changed; endpoints are part of it.',
  },
  reloads: {
    name: 'nginx_ingress_controller_success',
    kind: 'counter',
    help: 'Changes of the table of routes, which need no reload; endpoints are part of it.',
  },
  reloadErrors: {
    name: 'nginx_ingress_controller_errors',
    kind: 'counter',
    help: 'Always 0: faults in objects are in weir_route_problems.',
  },
  connections: {
    name: 'nginx_ingress_controller_nginx_process_connections',
    kind: 'gauge',
    help: 'Client connections now: active (all), writing (with a request or a tunnel), waiting (idle); reading is always 0.',
  },
  cpu: {
    name: 'nginx_ingress_controller_nginx_process_cpu_seconds_total',
    kind: 'counter',
    help: 'Processor time of the proxy.',
  },
  resident: {
    name: 'nginx_ingress_controller_nginx_process_resident_memory_bytes',
    kind: 'gauge',
    help: 'Resident memory of the proxy.',
  },
} as const satisfies Record<string, Family>

/** Who exports: labels of every series. */
export interface NginxExporter {
  readonly namespace: string
  readonly className: string
  readonly pod: string
}

/** Writes the labels of whoever exports, as `labelText` does. */
export function exporterLabels({ namespace, className, pod }: NginxExporter): string {
  return labelText({
    controller_class: className,
    controller_namespace: namespace,
    controller_pod: pod,
  })
}
