// What can be set on the controller? Every option once; flags, environment, configuration file, help and README follow.
import { likeNames } from '../shared/like.ts'
import {
  boolean,
  cidrs,
  filePath,
  hostPort,
  integer,
  knownNames,
  names,
  objectPath,
  oneOf,
  text,
} from '../shared/options-kinds.ts'
import { type OptionTable, option, optional } from '../shared/options-table.ts'
import { isPublishable } from './status/published.ts'

const groups = 'Target groups'
const proxies = 'Which pods are proxies'
const guard = 'Guard'
const drain = 'Drain'
const status = 'Ingress status'
const aws = 'AWS'
const cluster = 'Cluster'
const general = 'General'

/** Every option of the controller. */
export const controllerOptions = {
  targetGroup: option(names('ARN|NAME'), {
    group: groups,
    default: [],
    help: 'Keeps these target groups pointed at the healthy proxies; type, protocol and VPC are read from AWS.',
  }),
  targetPort: option(integer(1, 65_535), {
    group: groups,
    default: 9999,
    help: 'Registers proxies with this port.',
  }),
  vpcCidrs: option(cidrs, {
    group: groups,
    default: [],
    help: 'Says which networks are inside the VPC; other addresses are registered with the zone "all". Without it AWS’s refusal tells.',
  }),
  ownership: option(oneOf(['all', 'tracked']), {
    group: groups,
    default: 'all',
    help: 'Removes any target that is no proxy (all), or only those that Weir registered (tracked), so that two clusters can share a group.',
  }),

  proxySelector: optional(text('LABELS'), {
    group: proxies,
    absent: 'off',
    help: 'Takes the pods with these labels as proxies.',
  }),
  proxyNamespace: optional(text('NS'), {
    group: proxies,
    absent: "the controller's own",
    help: 'Looks for proxies in this namespace.',
  }),
  proxyService: optional(text('NAME'), {
    group: proxies,
    absent: 'off',
    help: 'Takes the endpoints of this headless Service as proxies; with --proxy-selector as well, readiness gates are honoured.',
  }),
  proxyAdminPort: option(integer(0, 65_535), {
    group: proxies,
    default: 9911,
    help: 'Asks proxies at this port (their --admin) what they expect of the PROXY protocol; 0 asks only the one behind --control-socket.',
  }),

  minTargets: option(integer(0, 1000), {
    group: guard,
    default: 1,
    help: 'Never removes a target when fewer healthy ones than this would stay; 0 allows an empty group.',
  }),
  maxRemoval: option(integer(0, 100, 'percent'), {
    group: guard,
    default: 34,
    help: 'Removes at most this share of the healthy targets (and at least one) within 60 s, unless their pods are known to go.',
  }),
  healthyWaitSeconds: option(integer(0, 3600, 'seconds'), {
    group: guard,
    default: 120,
    help: 'Waits this long for new targets to become healthy before it removes old ones.',
  }),

  drainNodes: option(boolean, {
    group: drain,
    default: false,
    help: 'Takes proxies on cordoned and about-to-go nodes out before the node goes.',
  }),
  podName: optional(text('NAME'), {
    group: drain,
    absent: 'off: not a sidecar',
    help: 'Names the proxy pod that this controller runs in; its target is deregistered when the pod ends.',
  }),
  podNamespace: optional(text('NS'), {
    group: drain,
    absent: "the controller's own",
    help: 'Names the namespace of that pod.',
  }),
  controlSocket: optional(filePath, {
    group: drain,
    absent: 'off',
    help: 'Tells the proxy of the same pod over this Unix socket when to drain and when the load balancer has let go.',
  }),
  drainSeconds: option(integer(0, 86_400, 'seconds'), {
    group: drain,
    default: 45,
    help: 'Waits this long for AWS to take the deregistration; bounds the whole drain while the deletion time of the pod is not known.',
  }),
  letGoLeastMs: optional(integer(0, 600_000, 'ms'), {
    group: drain,
    absent: 'ALB 10 s, NLB 120 s',
    help: 'Waits at least this long after deregistration before the proxy closes connections.',
  }),
  letGoMostMs: optional(integer(0, 600_000, 'ms'), {
    group: drain,
    absent: 'ALB 30 s, NLB 150 s',
    help: 'Waits at most this long after deregistration, whatever AWS says.',
  }),
  proxyProtocol: optional(oneOf(['off', 'required', 'optional']), {
    group: drain,
    absent: 'asked at --proxy-admin-port',
    help: 'Says what the proxies expect, to compare it with what the target group sends.',
  }),

  ingressStatus: option(text('HOSTNAME|auto|off'), {
    group: status,
    default: 'off',
    help: 'Writes this name, or those of the load balancers (auto), into the status of the Ingresses that the proxies serve.',
  }),
  like: optional(oneOf(likeNames), {
    group: status,
    absent: 'off',
    help: 'As on the proxy: sets the classes as that system has them.',
  }),
  configMap: optional(objectPath, {
    group: status,
    absent: 'none',
    help: "As on the proxy: ingress-nginx's global ConfigMap. What is wrong with it is said in Events about it.",
  }),
  publishService: optional(objectPath, {
    group: status,
    absent: 'off',
    help: "Writes what this Service's status says (names and addresses of its load balancer) into the status of Ingresses instead, as ingress-nginx does; works without --target-group.",
  }),
  publishStatusAddress: option(
    knownNames('ADDRESS|HOSTNAME,…', 'a list of IP addresses and host names', isPublishable),
    {
      group: status,
      default: [],
      help: 'Writes these addresses and host names into the status of Ingresses instead; works without --target-group.',
    },
  ),
  ingressClass: option(names('NAME'), {
    group: status,
    default: ['weir'],
    likes: { 'ingress-nginx': ['nginx'], skipper: ['skipper'] },
    help: 'As on the proxy: serves Ingresses of these classes.',
  }),
  controllerClass: option(names('VALUE'), {
    group: status,
    default: ['weir.dev/ingress'],
    likes: { 'ingress-nginx': ['k8s.io/ingress-nginx'] },
    help: 'As on the proxy: serves Ingresses whose IngressClass has one of these controllers.',
  }),
  ingressClassByName: option(boolean, {
    group: status,
    default: false,
    likes: { skipper: true },
    help: 'As on the proxy: takes Ingresses of the classes that --ingress-class names, whatever their controller.',
  }),
  watchIngressWithoutClass: option(boolean, {
    group: status,
    default: false,
    likes: { skipper: true },
    help: 'As on the proxy: serves Ingresses without a class too.',
  }),

  region: optional(text('REGION'), {
    group: aws,
    absent: 'of the ARN, or AWS’s default chain',
    help: 'Names the AWS region.',
  }),
  awsEndpoint: optional(text('URL'), {
    group: aws,
    absent: "AWS's own",
    help: 'Sends the calls of ELBv2 to this address.',
  }),
  awsThrottle: option(names('FAMILY=RATE:BURST'), {
    group: aws,
    default: ['change=4:20', 'describe=10:40'],
    help: 'Limits calls per second and at once, for changes and for describing.',
  }),

  kubeconfig: optional(filePath, {
    group: cluster,
    absent: 'in-cluster',
    help: 'Reads how to reach the API server from this file.',
  }),
  leaseName: option(text('NAME'), {
    group: cluster,
    default: 'weir-controller',
    help: 'Elects the leader by this Lease; it keeps the record of --ownership tracked as well.',
  }),
  leaseNamespace: optional(text('NS'), {
    group: cluster,
    absent: "the controller's own",
    help: 'Keeps the Lease in this namespace.',
  }),
  identity: optional(text('NAME'), {
    group: cluster,
    absent: 'pod name, else host name and a random part',
    help: 'Names this replica in the Lease.',
  }),

  admin: option(hostPort, {
    group: general,
    default: { host: '0.0.0.0', port: 9912 },
    help: 'Serves /metrics, /healthz, /readyz and /targets here.',
  }),
  dryRun: option(boolean, {
    group: general,
    default: false,
    help: 'Prints the plan each time it changes and does nothing.',
  }),
  once: option(boolean, {
    group: general,
    default: false,
    help: 'Runs one pass and exits: 0 nothing to change or all done, 3 --dry-run found changes, 1 something failed.',
  }),
  output: option(oneOf(['table', 'json']), {
    group: general,
    default: 'table',
    help: 'Prints plans like this.',
  }),
  logLevel: option(oneOf(['debug', 'info', 'warn', 'error']), {
    group: general,
    default: 'info',
    help: 'Logs from this level on, to stderr.',
  }),
} satisfies OptionTable
