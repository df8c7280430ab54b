import t from 'tap'
import { readExternalHost } from './external-host.ts'

const hosts = [
  { text: 'api.example.com', host: 'api.example.com', why: 'a DNS name' },
  { text: 'API.Example.COM.', host: 'api.example.com', why: 'as DNS compares them' },
  { text: 'my_db._tcp.example.com', host: 'my_db._tcp.example.com', why: 'underscores are common' },
  { text: 'xn--caf-dma.example', host: 'xn--caf-dma.example', why: 'IDNA' },
  { text: 'db', host: 'db', why: 'one label: container networks have such names' },
  { text: 'localhost', host: 'localhost', why: 'this machine' },
  { text: '1.2.3.example', host: '1.2.3.example', why: 'digits, but not at the end' },
  { text: '3com', host: '3com', why: 'a digit first' },
  { text: `${'a'.repeat(63)}.test`, host: `${'a'.repeat(63)}.test`, why: 'the longest label' },
  {
    text: `${'a.'.repeat(126)}b`,
    host: `${'a.'.repeat(126)}b`,
    why: '253 characters',
  },
  { text: `${'a.'.repeat(126)}b.`, host: `${'a.'.repeat(126)}b`, why: '253 and the root' },
  { text: '10.0.0.7', host: '10.0.0.7', why: 'an IPv4 address' },
  { text: 'FD00:0::7', host: 'fd00::7', why: 'an IPv6 address, whatever its spelling' },
  { text: '::ffff:10.0.0.7', host: '10.0.0.7', why: 'mapped' },
]

for (const { text, host, why } of hosts) {
  t.test(`${text.slice(0, 40)} is a host: ${why}`, async (t) => {
    t.same(readExternalHost(text), { ok: true, host })
  })
}

const refused = [
  { text: '', reason: /empty/, why: 'nothing' },
  { text: '.', reason: /empty/, why: 'the root' },
  { text: 'a..test', reason: /empty label/, why: 'a dot too many' },
  { text: 'a.test..', reason: /empty label/, why: 'at the end, too' },
  { text: '.a.test', reason: /empty label/, why: 'and in front' },
  { text: '*.a.test', reason: /\*/, why: 'no patterns' },
  { text: 'a.test:443', reason: /port/, why: 'a port' },
  { text: '10.0.0.7:443', reason: /port/, why: 'of an address' },
  { text: '[fd00::7]:443', reason: /brackets/, why: 'likewise' },
  { text: '[fd00::7]', reason: /brackets/, why: 'brackets' },
  { text: 'fe80::1%eth0', reason: /zone/, why: 'an address of one link' },
  { text: 'https://a.test/', reason: /URL/, why: 'a URL' },
  { text: 'a.test/x', reason: /path/, why: 'a path' },
  { text: 'caf\xe9.test', reason: /xn--/, why: 'not ASCII' },
  { text: 'a b.test', reason: /characters/, why: 'a space' },
  { text: ' a.test', reason: /characters/, why: 'a space in front' },
  { text: 'a-.test', reason: /- at an end/, why: 'no host name' },
  { text: '-a.test', reason: /- at an end/, why: 'no host name' },
  { text: `${'a'.repeat(64)}.test`, reason: /63/, why: 'a label too long' },
  { text: `${'a.'.repeat(126)}bc`, reason: /253/, why: 'a name too long' },
  { text: '10.0.0.256', reason: /number/, why: 'no address' },
  { text: '10.0.0.07', reason: /number/, why: 'octal for some' },
  { text: '127.1', reason: /number/, why: 'an address for some' },
  { text: '2130706433', reason: /number/, why: 'an address for some' },
  { text: '0x7f000001', reason: /number/, why: 'an address for some' },
  { text: 'fd00::7::1', reason: /characters/, why: 'no address' },
]

for (const { text, reason, why } of refused) {
  t.test(`${JSON.stringify(text.slice(0, 40))} is refused: ${why}`, async (t) => {
    t.match(readExternalHost(text), { ok: false, reason })
  })
}
