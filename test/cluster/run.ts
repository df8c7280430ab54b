// Does Weir work with a real API server? `npm run test:cluster [SUITE…]`. Prints each check, and
// `N passed, N failed, N skipped` at the end.
//
// It runs itself again in namespaces of its own: network (the API server refuses loopback endpoints), mounts (the folder
// of the service account) and processes. When the process in there ends, however it ends, nothing of it is left.
// Without Go, etcd or root it says what is missing and skips; under CI=true that is a failure.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findProgram } from '../support/programs.ts'
import { accessSuite } from './access.ts'
import { createAdmin } from './admin.ts'
import { Tally } from './checks.ts'
import { killChildren } from './children.ts'
import { conformanceSuite } from './conformance.ts'
import { contractSuite } from './contract.ts'
import { examplesSuite } from './examples.ts'
import { buildBinaries, installTools, missingParts } from './needs.ts'
import { rehearsalSuite } from './rehearsal.ts'
import { resilienceSuite } from './resilience.ts'
import { hostAddress, startServers } from './servers.ts'
import type { Suite } from './stage.ts'

const { CI, PATH } = process.env
const suites: readonly Suite[] = [
  contractSuite,
  examplesSuite,
  accessSuite,
  conformanceSuite,
  rehearsalSuite,
  resilienceSuite,
]
// Said by the run outside to the one inside, before the folder of the programs.
const insideMark = '--inside'
const [first, programs = '', ...rest] = process.argv.slice(2)
const isInside = first === insideMark
const wanted = isInside ? rest : process.argv.slice(2)

process.exitCode = isInside ? await runInside(programs) : await enter()

/** Outside: gets what is needed and goes in. */
async function enter(): Promise<number> {
  const missing = missingParts()
  if (missing.length > 0) {
    const isCi = CI === 'true'
    console.log(`${isCi ? 'not ok' : 'skipped'}: missing ${missing.join(', ')}`)
    console.log(
      isCi ? '0 passed, 1 failed, 0 skipped' : `0 passed, 0 failed, ${suites.length} skipped`,
    )
    return isCi ? 1 : 0
  }
  const built = buildBinaries()
  installTools()
  const child = spawn(
    'unshare',
    [
      ...['--net', '--mount', '--pid', '--mount-proc', '--fork', '--kill-child'],
      ...[process.execPath, fileURLToPath(import.meta.url), insideMark, built, ...wanted],
    ],
    { stdio: 'inherit' },
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  const [code] = await once(child, 'exit')
  return typeof code === 'number' ? code : 1
}

/** Inside: address, memory for files, servers, suites. */
async function runInside(programs: string): Promise<number> {
  // A WEIR_ variable that is no option would end the proxies; where tools are was read before.
  delete process.env.WEIR_TOOLS
  command('ip', ['link', 'set', 'lo', 'up'])
  command('ip', ['addr', 'add', `${hostAddress}/16`, 'dev', 'lo'])
  // What is written here vanishes with the namespace.
  const folder = realpathSync('/var/run')
  command('mount', ['-t', 'tmpfs', 'tmpfs', folder])
  const home = `${folder}/weir-cluster`
  mkdirSync(home)

  const tally = new Tally()
  const servers = await startServers(programs, findProgram('etcd') ?? 'etcd', `${home}/servers`)
  const admin = createAdmin({ url: servers.url, token: servers.adminToken, ca: servers.ca() })
  tally.note('the API server is ready')
  const stage = {
    servers,
    admin,
    binaries: programs,
    folder: home,
    check: tally.check.bind(tally),
    note: tally.note.bind(tally),
  }
  try {
    for (const suite of suites) {
      if (wanted.length > 0 && !wanted.includes(suite.name)) continue
      tally.note(suite.name)
      await tally.check(`${suite.name} ran to its end`, () => suite.run(stage))
    }
  } finally {
    await admin.close()
    await servers.close()
    killChildren()
  }
  console.log(`${tally.passed} passed, ${tally.failed} failed, 0 skipped`)
  return tally.failed === 0 ? 0 : 1
}

function command(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { PATH: PATH ?? '' },
  })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`)
}
