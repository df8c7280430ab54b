import t from 'tap'
import { formatHostPort } from './host-port.ts'

const cases = [
  { host: '10.0.0.1', port: 9999, text: '10.0.0.1:9999', why: 'IPv4 as it is' },
  { host: 'fd00::1', port: 80, text: '[fd00::1]:80', why: 'else the port would be a part of it' },
  { host: '::', port: 0, text: '[::]:0', why: 'all addresses, any port' },
  { host: 'shop.test', port: '443', text: 'shop.test:443', why: 'a name, a port from text' },
]

for (const { host, port, text, why } of cases) {
  t.test(`${host} and ${port} give ${text}: ${why}`, async (t) => {
    t.equal(formatHostPort(host, port), text)
    const url = new URL(`http://${text}/`)
    t.equal(url.hostname.replace(/^\[|\]$/g, ''), host)
  })
}
