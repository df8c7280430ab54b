// Skipper's filters that Weir does not have: each may protect, or is a way around what protects. Their routes are closed.
import { type FilterRow, refused } from './row.ts'

const opa = 'Run OPA behind webhook, or as a Service that `weir.dev/auth-service` names.'
const oidc =
  'Sign in at the load balancer (`weir.dev/jwt-alb-arn`) or with oauth2-proxy behind `weir.dev/auth-service`.'
const mtls = 'Use `nginx.ingress.kubernetes.io/auth-tls-secret` on an Ingress.'
const forgery = 'Any client could have Weir ask any address: name the backend.'
const introspection = 'Use jwtValidationKeys for tokens that are signed, or webhook.'
const secret = 'Let the pod read the Secret itself.'

export const refusedRows: readonly FilterRow[] = [
  refused('lua', 'Write a filter of one’s own (--filters), in JavaScript.'),
  refused('opaAuthorizeRequest', opa),
  refused('opaAuthorizeRequestWithBody', opa),
  refused('opaServeResponse', opa),
  refused('opaServeResponseWithReqBody', opa),
  refused('awsSigv4', 'Sign requests in a sidecar of the pod.'),
  refused('oauthGrant', oidc),
  refused('grantCallback', oidc),
  refused('grantLogout', oidc),
  refused('grantClaimsQuery', oidc),
  refused('oauthOidcUserInfo', oidc),
  refused('oauthOidcAnyClaims', oidc),
  refused('oauthOidcAllClaims', oidc),
  refused('oidcClaimsQuery', oidc),
  refused('oauthTokeninfoValidate', 'Use oauthTokeninfoAllScope or oauthTokeninfoAnyScope.'),
  refused('oauthTokenintrospectionAnyClaims', introspection),
  refused('oauthTokenintrospectionAllClaims', introspection),
  refused('oauthTokenintrospectionAnyKV', introspection),
  refused('oauthTokenintrospectionAllKV', introspection),
  refused('secureOauthTokenintrospectionAnyClaims', introspection),
  refused('secureOauthTokenintrospectionAllClaims', introspection),
  refused('secureOauthTokenintrospectionAnyKV', introspection),
  refused('secureOauthTokenintrospectionAllKV', introspection),
  refused('tlsPassClientCertificates', mtls),
  refused('mtlsAuthn', mtls),
  refused('mtlsIssuerDN', mtls),
  refused('mtlsCN', mtls),
  refused('mtlsSanCIDR', mtls),
  refused('mtlsSanDNS', mtls),
  refused('mtlsSanIP', mtls),
  refused('mtlsSanURI', mtls),
  refused('setFastCgiFilename', 'Run a web server that speaks FastCGI in the pod.'),
  refused('static', 'Serve files from a pod.'),
  refused('setDynamicBackendHostFromHeader', forgery),
  refused('setDynamicBackendSchemeFromHeader', forgery),
  refused('setDynamicBackendUrlFromHeader', forgery),
  refused('loopbackIfStatus', 'Use inlineContentIfStatus, or let the Service itself answer.'),
  refused('teeLoopback', 'Use tee with the address of a Service.'),
  refused('disableRatelimit', 'Remove it: nothing limits the route but filters of its own.'),
  refused('bearerinjector', secret),
  refused('setRequestHeaderFromSecret', secret),
]
