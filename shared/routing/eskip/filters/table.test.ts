// Does the table have a row for each filter of Skipper, once, and a word for its owner?
import { test } from 'tap'
import { readFilters } from './read.ts'
import { filterRows, filterTable } from './table.ts'

// The constants of filters/filters.go in Skipper v0.27, and the names of its registry that have no constant.
const skippers = `
absorb absorbSilent accessLogDisabled admissionControl annotate apiUsageMonitoring appendContextRequestHeader appendContextResponseHeader
appendRequestHeader appendResponseHeader auditLog awsSigv4 backendBandwidth backendChunks backendIsProxy backendLatency backendRatelimit
backendTimeout bandwidth basicAuth bearerinjector blockContent blockContentHex cache chunks clientRatelimit clusterClientRatelimit
clusterLeakyBucketRatelimit clusterRatelimit comment compress consecutiveBreaker consistentHashBalanceFactor consistentHashKey
copyRequestHeader copyResponseHeader corsOrigin decodeBase64RequestHeader decodeBase64ResponseHeader decompress disableAccessLog
disableBreaker disableRatelimit dropQuery dropRequestCookie dropRequestHeader dropRequestHeaderRegexp dropResponseCookie dropResponseHeader
dropResponseHeaderRegexp enableAccessLog encodeBase64RequestHeader encodeBase64ResponseHeader encodeRequestHeader encodeResponseHeader
endpointCreated fadeIn fifo fifoWithBody flowId forwardToken forwardTokenField grantCallback grantClaimsQuery grantLogout headerToQuery
healthcheck histogramRequestLatency histogramResponseLatency inlineContent inlineContentIfStatus jsCookie jwtMetrics jwtValidation
jwtValidationKeys latency lifo lifoGroup lifoGroupWithBody lifoWithBody logBody logHeader loopbackIfStatus lua maskAccessLogQuery modPath
modRequestHeader modResponseHeader mtlsAuthn mtlsCN mtlsIssuerDN mtlsSanCIDR mtlsSanDNS mtlsSanIP mtlsSanURI normalRequestLatency
normalResponseLatency oauthGrant oauthOidcAllClaims oauthOidcAnyClaims oauthOidcUserInfo oauthTokeninfoAllKV oauthTokeninfoAllScope
oauthTokeninfoAnyKV oauthTokeninfoAnyScope oauthTokeninfoValidate oauthTokenintrospectionAllClaims oauthTokenintrospectionAllKV
oauthTokenintrospectionAnyClaims oauthTokenintrospectionAnyKV oidcClaimsQuery opaAuthorizeRequest opaAuthorizeRequestWithBody
opaServeResponse opaServeResponseWithReqBody originMarker preserveHost queryToHeader randomContent rateBreaker ratelimit
ratelimitFailClosed readTimeout redirect redirectTo redirectToLower repeatContent repeatContentHex requestCookie requestCopyHeader
requestHeader responseCookie responseCopyHeader responseHeader rfcHost rfcPath secureOauthTokenintrospectionAllClaims
secureOauthTokenintrospectionAllKV secureOauthTokenintrospectionAnyClaims secureOauthTokenintrospectionAnyKV sed sedDelim sedRequest
sedRequestDelim setContextRequestHeader setContextResponseHeader setDynamicBackendHost setDynamicBackendHostFromHeader
setDynamicBackendScheme setDynamicBackendSchemeFromHeader setDynamicBackendUrl setDynamicBackendUrlFromHeader setFastCgiFilename setPath
setQuery setRequestHeader setRequestHeaderFromSecret setResponseHeader stateBagToTag static status stripQuery tarpit tee teeLoopback
teeResponse teenf tlsPassClientCertificates tracingBaggageToTag tracingSpanName tracingTag tracingTagFromResponse
tracingTagFromResponseIfStatus uniformRequestLatency uniformResponseLatency unverifiedAuditLog webhook wrapContent wrapContentHex
writeTimeout xforward xforwardFirst
`
  .trim()
  .split(/\s+/)

test('each filter of Skipper has a row', async (t) => {
  t.strictSame(
    skippers.filter((name) => !filterTable.has(name)),
    [],
  )
})

test('each row is there once, with a sentence', async (t) => {
  t.equal(filterTable.size, filterRows.length, 'no name twice')
  for (const { name, note } of filterRows) t.match(note, /[.:]$|\.\)$/, name)
})

test('what is refused closes its route, what has no effect is told', async (t) => {
  for (const { name, verdict } of filterRows) {
    const at = { line: 1, column: 1 }
    const reading = readFilters([{ name, args: [], at }], { namespace: 'default' })
    if (verdict === 'refused') t.equal(reading.ok, false, name)
    if (verdict === 'no effect') t.equal(reading.ok && reading.notes.length, 1, name)
  }
})
