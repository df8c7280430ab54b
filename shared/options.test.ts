import t from 'tap'
import { type OptionInput, parseOptions } from './options.ts'
import { markdownTable } from './options-help.ts'
import {
  boolean,
  cidrs,
  externalHosts,
  hostPort,
  httpUrl,
  integer,
  names,
  oneOf,
  servicePort,
  urlPath,
} from './options-kinds.ts'
import { ConfigError, type Kind, option, optional } from './options-table.ts'

const table = {
  listen: option(hostPort, {
    group: 'Ports',
    default: { host: '0.0.0.0', port: 80 },
    help: 'Listens.',
  }),
  idleTimeoutMs: option(integer(1, 9000, 'ms'), { group: 'Limits', default: 5000, help: 'Waits.' }),
  className: option(names('NAME'), { group: 'Classes', default: ['weir'], help: 'Takes classes.' }),
  isLoud: option(boolean, { group: 'Limits', default: false, help: 'Shouts.' }),
  like: optional(oneOf(['nginx']), { group: 'Classes', absent: 'off', help: 'Does as it does.' }),
  depth: option(integer(0, 9), {
    group: 'Limits',
    default: 1,
    likes: { nginx: 2 },
    help: 'Dives.',
  }),
  mode: optional(oneOf(['on', 'off']), { group: 'Limits', absent: 'unset', help: 'Switches.' }),
}

const texts = { heading: 'A program.', version: '1.2.3' }

function parse({ argv = [], env = {}, file = '' }: Given) {
  const readFile: OptionInput['readFile'] = (path) => {
    if (path !== 'weir.yaml') throw new Error('ENOENT: no such file')
    return file
  }
  return parseOptions(table, { argv, env, readFile }, texts)
}

interface Given {
  argv?: readonly string[]
  env?: Record<string, string>
  file?: string
}

const defaults = {
  listen: { host: '0.0.0.0', port: 80 },
  idleTimeoutMs: 5000,
  className: ['weir'],
  isLoud: false,
  like: undefined,
  depth: 1,
  mode: undefined,
}

const file = ['--config', 'weir.yaml']
const accepted: (Given & { settings: object; why: string })[] = [
  { settings: {}, why: 'nothing given means the defaults' },
  { argv: ['--idle-timeout-ms', '7'], settings: { idleTimeoutMs: 7 }, why: 'value as next word' },
  { argv: ['--idle-timeout-ms=7'], settings: { idleTimeoutMs: 7 }, why: 'value behind "="' },
  {
    argv: ['--like', 'nginx'],
    settings: { like: 'nginx', depth: 2 },
    why: 'the default of another system',
  },
  {
    argv: ['--like', 'nginx', '--depth', '1'],
    settings: { like: 'nginx' },
    why: 'which the option itself beats',
  },
  { argv: ['--is-loud'], settings: { isLoud: true }, why: 'a boolean needs no value' },
  { argv: ['--is-loud=true'], settings: { isLoud: true }, why: 'but may have one' },
  {
    argv: ['--no-is-loud', ...file],
    file: 'is-loud: true',
    settings: { isLoud: false },
    why: 'negated',
  },
  {
    argv: ['--class-name', 'a,b', '--class-name=c'],
    settings: { className: ['a', 'b', 'c'] },
    why: 'lists add up',
  },
  { argv: ['--class-name='], settings: { className: [] }, why: 'a list may be emptied' },
  {
    argv: ['--idle-timeout-ms', '1', ...file],
    env: { WEIR_IDLE_TIMEOUT_MS: '2' },
    file: 'idle-timeout-ms: 3',
    settings: { idleTimeoutMs: 1 },
    why: 'the flag beats all',
  },
  {
    argv: file,
    env: { WEIR_IDLE_TIMEOUT_MS: '2' },
    file: 'idle-timeout-ms: 3',
    settings: { idleTimeoutMs: 2 },
    why: 'the environment beats the file',
  },
  {
    env: { WEIR_CONFIG: 'weir.yaml' },
    file: '{"class-name": ["a", "b"], "mode": "on"}',
    settings: { className: ['a', 'b'], mode: 'on' },
    why: 'the file may be JSON and named by the environment',
  },
  {
    argv: file,
    file: '# nothing set\n',
    settings: {},
    why: 'an empty file sets nothing',
  },
  {
    env: { WEIR_LISTEN: '', HOME: '/' },
    settings: {},
    why: 'an empty variable counts as not set, since charts write those',
  },
  {
    env: {
      WEIR_SERVICE_HOST: '10.0.0.1',
      WEIR_PORT: 'tcp://10.0.0.1:80',
      WEIR_PROXY_SERVICE_PORT_HTTP: '80',
      WEIR_PORT_80_TCP_ADDR: '10.0.0.1',
    },
    settings: {},
    why: 'Kubernetes announces a Service named weir like this in every pod beside it',
  },
]

for (const { why, settings, ...given } of accepted) {
  t.test(`accepted: ${why}`, async (t) => {
    t.same(parse(given), { kind: 'run', settings: { ...defaults, ...settings } })
  })
}

const refused: (Given & { message: string; why: string })[] = [
  {
    argv: ['--idle-timeout'],
    message: '--idle-timeout is not an option: did you mean --idle-timeout-ms?',
    why: 'a near miss gets a hint',
  },
  {
    argv: ['--xyzzy'],
    message: '--xyzzy is not an option: --help lists them.',
    why: 'a far miss does not',
  },
  {
    env: { WEIR_LISEN: ':1' },
    message: 'WEIR_LISEN is not an option: did you mean WEIR_LISTEN?',
    why: 'the environment is ours where it begins with WEIR_',
  },
  {
    argv: file,
    file: 'clas-name: a',
    message: 'weir.yaml: clas-name is not an option: did you mean class-name?',
    why: 'keys of the file are checked',
  },
  {
    argv: file,
    file: 'config: other.yaml',
    message: 'weir.yaml: config is not an option: --help lists them.',
    why: 'files do not include files',
  },
  {
    argv: ['--idle-timeout-ms', '10000'],
    message: '--idle-timeout-ms must be a whole number from 1 to 9000 (ms), but it is "10000".',
    why: 'flag out of range',
  },
  {
    argv: ['--idle-timeout-ms', '7'],
    env: { WEIR_MODE: 'maybe' },
    message: 'WEIR_MODE must be one of on, off, but it is "maybe".',
    why: 'the variable is named',
  },
  {
    argv: ['--mode', 'on'],
    env: { WEIR_MODE: 'maybe' },
    message: 'WEIR_MODE must be one of on, off, but it is "maybe".',
    why: 'a wrong value is an error even where a flag beats it',
  },
  {
    argv: file,
    file: 'idle-timeout-ms: {a: 1}',
    message:
      'weir.yaml: idle-timeout-ms must be a whole number from 1 to 9000 (ms), but it is {"a":1}.',
    why: 'only plain values and lists',
  },
  {
    argv: file,
    file: 'idle-timeout-ms: [1, 2]',
    message: 'weir.yaml: idle-timeout-ms takes one value, but 2 were given.',
    why: 'no list for one value',
  },
  {
    argv: file,
    file: '- a',
    message: 'weir.yaml must hold one YAML mapping of option names to values.',
    why: 'a list is no configuration',
  },
  {
    argv: ['--config', 'gone.yaml'],
    message: '--config names a file that cannot be read: ENOENT: no such file.',
    why: 'a missing file is not an empty one',
  },
  {
    argv: ['--mode', 'on', '--mode', 'off'],
    message: '--mode takes one value, but 2 were given.',
    why: 'no guess which one was meant',
  },
  {
    argv: ['--mode', '--is-loud'],
    message: '--mode needs a value: one of on, off.',
    why: 'a flag is no value',
  },
  {
    argv: ['--mode'],
    message: '--mode needs a value: one of on, off.',
    why: 'the value is missing',
  },
  {
    argv: ['--no-is-loud=true'],
    message: '--no-is-loud takes no value, but it is "true".',
    why: 'double negation',
  },
  {
    argv: ['--no-mode'],
    message: '--no-mode is not an option: did you mean --mode?',
    why: 'only booleans can be negated',
  },
  {
    argv: ['serve'],
    message: '"serve" is not an option: options begin with "--" (--help lists them).',
    why: 'stray words are not ignored',
  },
]

for (const { why, message, ...given } of refused) {
  t.test(`refused: ${why}`, async (t) => {
    t.throws(() => parse(given), new ConfigError(message))
  })
}

t.test('a broken file is refused with its line', async (t) => {
  t.throws(() => parse({ argv: file, file: 'a: 1\nb: [' }), { message: /^weir\.yaml:2: / })
})

t.test('help and version are texts to print', async (t) => {
  t.same(parse({ argv: ['--version'] }), { kind: 'print', text: '1.2.3\n' })
  const help = parse({ argv: ['--bogus', '--help'] })
  t.equal(help.kind, 'print')
  const text = help.kind === 'print' ? help.text : ''
  t.match(text, /^A program\.\n\nPorts:\n {2}--listen HOST:PORT\n {8}Listens\.\n/)
  t.match(text, '[default: 0.0.0.0:80] [WEIR_LISTEN]')
  t.match(text, '--[no-]is-loud')
  t.match(text, '--config PATH')
})

t.test('the README table has one row per option, its bars escaped', async (t) => {
  const rows = markdownTable(table).split('\n')
  t.equal(rows.filter((row) => row.includes('`WEIR_')).length, Object.keys(table).length)
  t.ok(
    rows.includes(
      '| `--mode on\\|off` | `WEIR_MODE` | unset | Switches. Must be one of on, off. |',
    ),
  )
})

const kinds: {
  kind: Pick<Kind<unknown>, 'allowed' | 'parse'>
  given: string
  value: unknown
  why: string
}[] = [
  {
    kind: httpUrl,
    given: 'http://k.test/a/',
    value: 'http://k.test/a',
    why: 'no slash at the end',
  },
  { kind: httpUrl, given: 'https://K.test', value: 'https://k.test', why: 'one form' },
  { kind: httpUrl, given: 'https://k.test/?a', value: undefined, why: 'a query' },
  { kind: httpUrl, given: 'https://u:p@k.test', value: undefined, why: 'a password' },
  { kind: httpUrl, given: 'ftp://k.test', value: undefined, why: 'another scheme' },
  { kind: hostPort, given: ':9999', value: { host: '0.0.0.0', port: 9999 }, why: 'any IPv4' },
  { kind: hostPort, given: '[::]:9999', value: { host: '::', port: 9999 }, why: 'brackets go' },
  { kind: hostPort, given: '127.0.0.1:0', value: { host: '127.0.0.1', port: 0 }, why: 'any port' },
  { kind: hostPort, given: 'localhost:1', value: { host: 'localhost', port: 1 }, why: 'a name' },
  { kind: hostPort, given: '::1:80', value: undefined, why: 'IPv6 needs brackets' },
  { kind: hostPort, given: '[127.0.0.1]:80', value: undefined, why: 'IPv4 has none' },
  { kind: hostPort, given: '127.0.0.1:65536', value: undefined, why: 'no such port' },
  { kind: hostPort, given: '300.0.0.1:80', value: undefined, why: 'no such address' },
  { kind: hostPort, given: '9999', value: undefined, why: 'a port alone is not a place' },
  { kind: cidrs, given: '10.0.0.0/8, fd00::/8', value: ['10.0.0.0/8', 'fd00::/8'], why: 'both' },
  { kind: cidrs, given: '10.0.0.1', value: ['10.0.0.1/32'], why: 'one address' },
  { kind: cidrs, given: '::1', value: ['::1/128'], why: 'one address' },
  { kind: cidrs, given: '10.0.0.0/33', value: undefined, why: 'too long' },
  { kind: cidrs, given: '10.0.0.0/08', value: undefined, why: 'read as octal by some' },
  { kind: cidrs, given: 'fe80::1%eth0', value: undefined, why: 'zones cannot be compared' },
  { kind: cidrs, given: '10.0.0.0/8/8', value: undefined, why: 'one slash' },
  { kind: cidrs, given: '*', value: undefined, why: 'no patterns' },
  { kind: urlPath, given: '/a/b', value: '/a/b', why: 'a path' },
  { kind: urlPath, given: '/a?b', value: undefined, why: 'no query' },
  { kind: urlPath, given: 'a', value: undefined, why: 'begins with a slash' },
  { kind: externalHosts, given: 'A.example.', value: ['a.example'], why: 'as DNS compares names' },
  {
    kind: externalHosts,
    given: '10.0.0.7,FD00::0:7',
    value: ['10.0.0.7', 'fd00::7'],
    why: 'addresses',
  },
  { kind: externalHosts, given: 'a.example:443', value: undefined, why: 'no ports' },
  { kind: externalHosts, given: '*.example', value: undefined, why: 'no patterns' },
  { kind: externalHosts, given: '127.1', value: undefined, why: 'no doubtful addresses' },
  {
    kind: servicePort,
    given: 'ns/web:80',
    value: { namespace: 'ns', name: 'web', port: 80 },
    why: 'by number',
  },
  {
    kind: servicePort,
    given: 'ns/web:http',
    value: { namespace: 'ns', name: 'web', port: 'http' },
    why: 'by name',
  },
  { kind: servicePort, given: 'web:80', value: undefined, why: 'no namespace' },
  { kind: servicePort, given: 'ns/web:0', value: undefined, why: 'no such port' },
  { kind: servicePort, given: 'ns/web:99999', value: undefined, why: 'no such port' },
  { kind: servicePort, given: 'ns/web', value: undefined, why: 'no port' },
  { kind: servicePort, given: 'a/b/c:80', value: undefined, why: 'one name too many' },
  { kind: servicePort, given: 'NS/web:80', value: undefined, why: 'no name of an object' },
  { kind: integer(-1, 5), given: '-1', value: -1, why: 'negative' },
  { kind: integer(0, 5), given: '1.5', value: undefined, why: 'whole numbers only' },
  { kind: integer(0, 5), given: '1e0', value: undefined, why: 'digits only' },
  { kind: integer(0, 5), given: '', value: undefined, why: 'empty is not 0' },
  { kind: boolean, given: 'yes', value: undefined, why: 'one spelling' },
]

for (const { kind, given, value, why } of kinds) {
  t.test(`${JSON.stringify(given)} as ${kind.allowed}: ${why}`, async (t) => {
    t.same(kind.parse([given]), value)
  })
}
