// Which families of annotations belong to other controllers, and which of their keys protect something? Weir acts on none of
// them, but an Ingress that comes from such a controller may rely on them.
//
// A key protects when its name says so (see unknown-key.ts) or when its row lists it; `harmless` lists those whose names only
// sound like it, and those that describe a load balancer which is not the one in front of Weir. `*` stands for any text.
// Families that are in no row are not about routing (cert-manager.io/, external-dns.alpha.kubernetes.io/, argocd …): their keys
// are nobody's business here.

/** The keys of one prefix that another program reads. */
export interface ForeignFamily {
  /** With its slash or dot; a `*` at the start stands for any text. */
  readonly prefix: string
  /** As it is called in messages. */
  readonly owner: string
  readonly protects: readonly string[]
  readonly harmless: readonly string[]
}

function family(
  prefix: string,
  owner: string,
  keys: { readonly protects?: readonly string[]; readonly harmless?: readonly string[] } = {},
): ForeignFamily {
  const { protects = [], harmless = [] } = keys
  return { prefix, owner, protects, harmless }
}

/** In the order in which they are asked: the first prefix that a key has is its family. */
export const foreignFamilies: readonly ForeignFamily[] = [
  family('alb.ingress.kubernetes.io/', 'the AWS Load Balancer Controller', {
    protects: [
      'conditions.*',
      'inbound-cidrs',
      'security-groups',
      'shield-advanced-protection',
      'transforms.*',
      'web-acl-id',
    ],
    harmless: [
      'auth-scope',
      'auth-session-cookie',
      'auth-session-timeout',
      'certificate-arn',
      'healthcheck-*',
      'ip-address-type',
      'listen-ports',
      'manage-backend-security-group-rules',
      'scheme',
      'ssl-policy',
      'subnets',
      'tags',
    ],
  }),
  family('traefik.ingress.kubernetes.io/', 'Traefik', {
    protects: ['router.middlewares', 'router.tls.options'],
    harmless: ['router.tls', 'router.tls.certresolver', 'router.tls.domains.*'],
  }),
  family('haproxy-ingress.github.io/', 'HAProxy Ingress', {
    protects: ['config-*', 'oauth*', 'use-htx-auth', 'waf*'],
    harmless: ['auth-log-format', 'ssl-ciphers*', 'ssl-cipher-suites*', 'ssl-options*'],
  }),
  family('haproxy.org/', 'the HAProxy Kubernetes Ingress Controller', {
    protects: [
      '*-config-snippet',
      'client-ca',
      'request-capture*',
      'request-redirect',
      'server-ca',
    ],
  }),
  family('haproxy.com/', 'the HAProxy Enterprise Kubernetes Ingress Controller', {
    protects: ['*-config-snippet', 'client-ca', 'server-ca'],
  }),
  family('konghq.com/', 'Kong', {
    protects: ['headers.*', 'methods', 'override', 'plugins', 'protocols', 'snis'],
  }),
  family('plugins.konghq.com', 'Kong', { protects: ['*'] }),
  family('configuration.konghq.com', 'Kong', { protects: ['*'] }),
  family('nginx.org/', 'the NGINX Ingress Controller', {
    protects: ['*-snippets', 'policies', 'redirect-to-https'],
    harmless: ['ssl-ciphers', 'ssl-prefer-server-ciphers'],
  }),
  family('nginx.com/', 'the NGINX Ingress Controller', { protects: ['jwt-*'] }),
  family('appprotect.f5.com/', 'F5 NGINX App Protect', { protects: ['*'] }),
  family('appprotectdos.f5.com/', 'F5 NGINX App Protect DoS', { protects: ['*'] }),
  family('projectcontour.io/', 'Contour', {
    harmless: [
      'tls-cert-namespace',
      'tls-maximum-protocol-version',
      'tls-minimum-protocol-version',
    ],
  }),
  family('appgw.ingress.kubernetes.io/', 'the Azure Application Gateway Ingress Controller', {
    protects: ['appgw-ssl-profile', 'rewrite-rule-set*', 'use-private-ip', 'waf-policy-for-path'],
    harmless: ['appgw-ssl-certificate', 'appgw-trusted-root-certificate'],
  }),
  family('alb.networking.azure.io/', 'Azure Application Gateway for Containers'),
  family('networking.gke.io/', 'the GKE Ingress controller', {
    protects: ['v1beta1.FrontendConfig'],
  }),
  family('ingress.gcp.kubernetes.io/', 'the GKE Ingress controller'),
  family('cloud.google.com/', 'the GKE Ingress controller', {
    protects: ['*backend-config', 'armor*'],
  }),
  family('kubernetes.io/ingress.', 'the GKE Ingress controller', {
    harmless: ['*static-ip-name', 'allow-http'],
  }),
  family('kubernetes.io/elb.', 'the Huawei Cloud CCE Ingress controller', { protects: ['acl-*'] }),
  family('k8s.apisix.apache.org/', 'Apache APISIX', {
    protects: ['http-allow-methods', 'http-block-methods', 'plugin-config-name', 'rewrite-*'],
  }),
  family('higress.io/', 'Higress'),
  family('getambassador.io/', 'Emissary-ingress', { protects: ['config'] }),
  family('ingress.pomerium.io/', 'Pomerium', { protects: ['*'] }),
  family('k8s.ngrok.com/', 'the ngrok Ingress controller', {
    protects: ['modules', 'traffic-policy'],
  }),
  family('tailscale.com/', 'Tailscale', { protects: ['tags'] }),
  family('ingress.citrix.com/', 'the Citrix Ingress controller', {
    protects: ['insecure-termination', 'rewrite-responder*'],
    harmless: ['frontend-ip', 'frontend-sslprofile', 'secure-port'],
  }),
  family('virtual-server.f5.com/', 'F5 BIG-IP Controller Ingress Services', {
    harmless: ['ip', 'partition', 'clientssl', 'serverssl'],
  }),
  family('ako.vmware.com/', 'the Avi Kubernetes Operator', { protects: ['*rule*'] }),
  family('haproxy.router.openshift.io/', 'the OpenShift router', { protects: ['ip_*'] }),
  family('route.openshift.io/', 'the OpenShift router', { protects: ['termination'] }),
  family('ingress.cilium.io/', 'Cilium', { protects: ['force-https'] }),
  family('ingress.appscode.com/', 'Voyager'),
  family('voyager.appscode.com/', 'Voyager'),
  family('bunkerweb.io/', 'BunkerWeb', { protects: ['*'] }),
  family('oci-native-ingress.oraclecloud.com/', 'the OCI native Ingress controller', {
    harmless: ['*-tls-ciphers', 'protocol'],
  }),
  family('ingress.alb.yc.io/', 'the Yandex Cloud ALB Ingress controller', {
    protects: ['security-*'],
  }),
  family('ingress.bluemix.net/', 'the IBM Cloud ALB', { harmless: ['ssl-services'] }),
  family('ingress.kubernetes.io/', 'older Ingress controllers', {
    // What the GKE controller writes there itself.
    harmless: ['*forwarding-rule', '*target-proxy', 'backends', 'ssl-cert', 'static-ip'],
  }),
  family('*.ingress.kubernetes.io/', 'another Ingress controller'),
]
