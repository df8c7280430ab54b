import t from 'tap'
import type { Service } from '../../kube/objects.ts'
import { refOf } from './backend-ref.ts'
import { resolveBackend } from './endpoints.ts'

const allowed = new Set(['api.example.com', 'my_db.example.com', 'db', '10.0.0.7', 'fd00::7'])

/** Resolves a backend of a Service that is what nobody checked: manifests may hold anything. */
function resolve(
  externalName: unknown,
  port: number | string = 80,
  ports: unknown = [{ port: 80 }],
) {
  const ref = refOf({ namespace: 'shop', service: 'web', port })
  const service = JSON.parse(
    JSON.stringify({ spec: { type: 'ExternalName', externalName, ports } }),
  )
  const { upstream, findings } = resolveBackend(ref, service satisfies Service, [], allowed)
  return { ...upstream, findings }
}

const lookedUp = [
  { name: 'api.example.com', host: 'api.example.com', why: 'as it is listed' },
  { name: 'API.example.com.', host: 'api.example.com', why: 'as DNS compares names' },
  { name: 'my_db.example.com', host: 'my_db.example.com', why: 'an underscore' },
  { name: 'db', host: 'db', why: 'one label, listed: looked up as written' },
]
for (const { name, host, why } of lookedUp) {
  t.test(`${name} is looked up: ${why}`, async (t) => {
    t.match(resolve(name), { endpoints: [], externalName: { host, port: 80 }, findings: [] })
  })
}

const addresses = [
  { name: '10.0.0.7', address: '10.0.0.7', why: 'an IPv4 address' },
  { name: '::ffff:10.0.0.7', address: '10.0.0.7', why: 'in its other form' },
  { name: 'FD00:0:0::7', address: 'fd00::7', why: 'an IPv6 address' },
]
for (const { name, address, why } of addresses) {
  t.test(`${name} is an endpoint at once: ${why}`, async (t) => {
    const { endpoints, externalName, findings } = resolve(name)
    t.same(
      { endpoints, externalName, findings },
      {
        endpoints: [{ address, port: 80 }],
        externalName: undefined,
        findings: [],
      },
    )
  })
}

const ports = [
  { port: 8443, ports: [], is: 8443, why: 'an ExternalName Service needs no ports' },
  { port: 8443, ports: null, is: 8443, why: 'likewise' },
  { port: 80, ports: [{ port: 80, targetPort: 8080 }], is: 8080, why: 'where the host listens' },
  { port: 'web', ports: [{ name: 'web', port: 80 }], is: 80, why: 'by name' },
  {
    port: 80,
    ports: [{ port: 80, targetPort: 'http' }],
    is: 80,
    why: 'no pod gives this name a number',
  },
]
for (const { port, ports: list, is, why } of ports) {
  t.test(`port ${port} of ${JSON.stringify(list)} is ${is}: ${why}`, async (t) => {
    t.match(resolve('api.example.com', port, list), { externalName: { port: is }, findings: [] })
    t.match(resolve('10.0.0.7', port, list), { endpoints: [{ port: is }], findings: [] })
  })
}

const noPorts = [
  { port: 81, ports: [{ port: 80 }], why: 'another number' },
  { port: 'web', ports: [], why: 'a name, and nothing that has one' },
  { port: 80, ports: [{ port: 80, protocol: 'UDP' }], why: 'not TCP' },
]
for (const { port, ports: list, why } of noPorts) {
  t.test(`port ${port} of ${JSON.stringify(list)} is a problem: ${why}`, async (t) => {
    t.match(resolve('api.example.com', port, list), {
      endpoints: [],
      externalName: undefined,
      findings: [{ reason: 'port-missing' }],
    })
  })
}

const refused = [
  { name: 'other.example.com', about: 'rule', words: /not allowed/, why: 'not listed' },
  { name: 'sub.api.example.com', about: 'rule', words: /not allowed/, why: 'no suffixes' },
  { name: '10.0.0.8', about: 'rule', words: /not allowed/, why: 'an address that is not listed' },
  { name: 'api.example.com:443', about: 'service', words: /a port/, why: 'a port' },
  { name: 'https://api.example.com', about: 'service', words: /URL/, why: 'a URL' },
  { name: '*.example.com', about: 'service', words: /\*/, why: 'a pattern' },
  { name: '[fd00::7]', about: 'service', words: /brackets/, why: 'brackets' },
  { name: 'caf\xe9.example.com', about: 'service', words: /xn--/, why: 'not ASCII' },
  { name: `${'a'.repeat(64)}.example.com`, about: 'service', words: /63/, why: 'too long' },
  { name: '127.1', about: 'service', words: /number/, why: 'an address for some' },
  { name: '', about: 'service', words: /empty/, why: 'nothing' },
  { name: undefined, about: 'service', words: /empty/, why: 'left out' },
  { name: null, about: 'service', words: /empty/, why: 'null' },
  { name: 5, about: 'service', words: /empty/, why: 'no text' },
]
for (const { name, about, words, why } of refused) {
  t.test(`${JSON.stringify(name)} is a problem of the ${about}: ${why}`, async (t) => {
    const { endpoints, externalName, findings } = resolve(name)
    t.same([endpoints, externalName], [[], undefined], 'a 503')
    t.match(findings, [{ reason: 'external-name-refused', message: words }])
    const owner = { kind: 'Service', namespace: 'shop', name: 'web' }
    const place = about === 'rule' ? undefined : { owner, field: 'spec.externalName' }
    t.same(findings[0]?.about, place)
  })
}
