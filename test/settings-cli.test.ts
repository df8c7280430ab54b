// What does the program say about wrong settings? Exit code 2 and one sentence on stderr, wherever they come from; and the
// order in which flag, environment and file count.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { proxyOptions } from '../proxy/settings-table.ts'
import { optionEnv, optionKey } from '../shared/options-table.ts'
import { ask, askAdmin } from './support/ask.ts'
import { createManifestFolder, ingressOf } from './support/manifests.ts'
import { freePort } from './support/programs.ts'
import { runProxyProgram, startProxyProcess } from './support/proxy-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-settings-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

/** Writes a --config file and gives its path. */
function configFile(text: string): string {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.yaml`)
  writeFileSync(path, text)
  return path
}

/** One of each sort: the values of each option are tried in shared/options.test.ts, without a process. */
interface Wrong {
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly file?: string
  /** What the sentence must name: the key, where it came from, what is allowed. */
  readonly says: readonly (string | RegExp)[]
  readonly why: string
}

const wrong: readonly Wrong[] = [
  { flags: ['--lisen', ':1'], says: ['--lisen', 'did you mean --listen?'], why: 'an unknown flag' },
  { flags: ['listen'], says: ['"listen"', '--'], why: 'a word that is no flag' },
  { flags: ['--listen'], says: ['--listen needs a value', 'HOST:PORT'], why: 'no value' },
  {
    flags: ['--listen', '127.0.0.1'],
    says: ['--listen must be', 'HOST:PORT', '"127.0.0.1"'],
    why: 'no port',
  },
  { flags: ['--workers', '0'], says: ['--workers must be', '1 to 256', '"0"'], why: 'too few' },
  {
    flags: ['--workers', '1', '--workers', '2'],
    says: ['--workers takes one value', '2 were given'],
    why: 'twice',
  },
  {
    flags: ['--access-log', 'xml'],
    says: ['--access-log must be', 'json, combined, nginx, off', '"xml"'],
    why: 'none of the words',
  },
  {
    flags: ['--trusted-proxies', '10.0.0.0/33'],
    says: ['--trusted-proxies must be', '10.0.0.0/33'],
    why: 'no network',
  },
  {
    flags: ['--manifests', 'a', '--kubeconfig', 'b'],
    says: ['manifests and kubeconfig exclude each other'],
    why: 'two sources',
  },
  {
    flags: ['--proxy-protocol', 'required'],
    says: ['proxy-protocol needs proxy-protocol-from'],
    why: 'who may say who the client is?',
  },
  {
    flags: ['--config', '/nowhere/x.yaml'],
    says: ['--config', '/nowhere/x.yaml'],
    why: 'a file that is not there',
  },
  {
    flags: ['--kubeconfig', '/nowhere/config'],
    says: ['--kubeconfig', '/nowhere/config'],
    why: 'a kubeconfig that is not there',
  },
  {
    env: { WEIR_LISTENN: ':1' },
    says: ['WEIR_LISTENN', 'did you mean WEIR_LISTEN?'],
    why: 'an unknown variable',
  },
  {
    env: { WEIR_WORKERS: 'many' },
    says: ['WEIR_WORKERS must be', '"many"'],
    why: 'a wrong variable',
  },
  {
    env: { WEIR_WORKERS: 'many' },
    flags: ['--workers', '1'],
    says: ['WEIR_WORKERS must be'],
    why: 'wrong even where a flag beats it',
  },
  { file: 'lissten: ":1"', says: [/\.yaml: lissten/, 'did you mean listen?'], why: 'unknown key' },
  {
    file: 'workers: 0',
    says: [/\.yaml: workers must be/, '"0"'],
    why: 'a wrong value in the file',
  },
  { file: 'a: [1\n', says: [/\.yaml:\d+: /], why: 'no YAML: file and line' },
  {
    file: 'workers: 1\nworkers: 2\n',
    says: [/\.yaml:2: /],
    why: 'a key twice',
  },
  {
    env: {},
    flags: [],
    says: [/kubeconfig|manifests|cluster/],
    why: 'no source of objects and no cluster around',
  },
]

t.jobs = 2

for (const { flags = [], env = {}, file, says, why } of wrong) {
  const given = [...flags, ...Object.keys(env), file ?? ''].join(' ').trim()
  t.test(`${given}: ${why}`, async (t) => {
    const config = file === undefined ? [] : ['--config', configFile(file)]
    // Whoever runs the tests may be in a cluster.
    const outside = { KUBERNETES_SERVICE_HOST: '', KUBERNETES_SERVICE_PORT: '' }
    const { code, stdout, stderr } = await runProxyProgram([...flags, ...config], {
      ...outside,
      ...env,
    })
    t.equal(code, 2, 'exit code')
    t.equal(stdout, '')
    for (const part of says) {
      t.ok(
        typeof part === 'string' ? stderr.includes(part) : part.test(stderr),
        `${part} in ${stderr}`,
      )
    }
    t.equal(stderr.trimEnd().split('\n').length, 1, 'one line')
    t.match(stderr, /^weir-proxy: .+[.?]\n$/, 'one sentence')
    t.notMatch(stderr, / at .*:\d+:\d+/, 'no stack')
  })
}

t.test('--help lists every option once, in groups, with default and variable', async (t) => {
  const { code, stdout, stderr } = await runProxyProgram(['--help', '--no-such-flag'])
  t.equal(code, 0)
  t.equal(stderr, '')
  for (const [name, { group, shownDefault, likes }] of Object.entries(proxyOptions)) {
    const key = `--${optionKey(name)}`
    const form = new RegExp(`^ {2}--(\\[no-\\])?${optionKey(name)}( |$)`, 'gm')
    t.equal(stdout.match(form)?.length, 1, `${key} once`)
    t.ok(stdout.includes(`\n${group}:\n`), group)
    const others = Object.entries(likes).map(
      ([like, { shown }]) => ` [with --like ${like}: ${shown}]`,
    )
    const defaults = `[default: ${shownDefault}]${others.join('')} [${optionEnv(name)}]`
    t.ok(stdout.includes(defaults), `${key} default`)
  }
  t.ok(
    stdout.split('\n').every((line) => line.length <= 120),
    'no line is too long for a terminal',
  )
  const short = await runProxyProgram(['-h'])
  t.equal(short.stdout, stdout)
})

t.test('--version', async (t) => {
  const { code, stdout } = await runProxyProgram(['--version'])
  t.equal(code, 0)
  t.match(stdout, /^\d+\.\d+\.\d+\S*\n$/)
})

t.test('a flag beats the environment, which beats the file, which beats the default', async (t) => {
  const manifests = createManifestFolder([ingressOf('web', [{ host: 'a.test', service: 'web' }])])
  const config = configFile(
    'health-path: /file\ndrain-seconds: 7\ntrusted-proxies: [10.0.0.0/8]\naccess-log: combined\n',
  )
  const [flagPort, envPort] = await Promise.all([freePort(), freePort()])
  const proxy = await startProxyProcess({
    flags: ['--config', config, '--manifests', manifests.path, '--admin', `127.0.0.1:${flagPort}`],
    env: { WEIR_ADMIN: `127.0.0.1:${envPort}`, WEIR_HEALTH_PATH: '/env', WEIR_WORKERS: '' },
  })
  t.teardown(async () => {
    await proxy.stop()
    manifests.dispose()
  })
  t.equal(proxy.adminPort, flagPort, 'the flag beats the variable')
  t.equal((await askAdmin(flagPort, '/readyz')).status, 200)
  const status = async (path: string) => (await ask(proxy.port, { host: 'any', path })).status
  t.equal(await status('/env'), 200, 'the variable beats the file')
  t.equal(await status('/file'), 404)
  t.equal(await status('/kube-system/healthz'), 404, 'and both the default')
  for (let tries = 0; proxy.lines.length === 0 && tries < 500; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  t.match(proxy.lines[0], / - - \[/, 'the file beats the default: a combined log')
})

t.test('a port that is taken ends the program with 1 and says which, and what to do', async (t) => {
  const manifests = createManifestFolder([])
  const first = await startProxyProcess({ flags: ['--manifests', manifests.path] })
  t.teardown(async () => {
    await first.stop()
    manifests.dispose()
  })
  const rows = [
    { listen: first.port, admin: 0, taken: first.port, flag: '--listen' },
    { listen: first.adminPort, admin: 0, taken: first.adminPort, flag: '--listen' },
    { listen: 0, admin: first.adminPort, taken: first.adminPort, flag: '--admin' },
  ]
  for (const { listen, admin, taken, flag } of rows) {
    const { code, stderr } = await runProxyProgram([
      ...['--manifests', manifests.path, '--workers', '1'],
      ...['--listen', `127.0.0.1:${listen}`, '--admin', `127.0.0.1:${admin}`],
    ])
    t.equal(code, 1)
    t.match(stderr, new RegExp(`^weir-proxy: port ${taken} is in use`, 'm'))
    t.ok(stderr.includes(flag))
  }
})
