// Where are the programs that these tests call? deploy/install-tools.sh builds them; others are taken from the PATH.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

const { WEIR_TOOLS, XDG_CACHE_HOME, PATH = '' } = process.env
const cache = WEIR_TOOLS ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'weir-tools')

/** The path of a tool; undefined when it is not installed. */
export function findTool(name: string): string | undefined {
  return [join(cache, 'bin'), ...PATH.split(delimiter)]
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

/** What a tool said. */
export interface ToolRun {
  readonly code: number
  readonly stdout: string
  /** Both streams, as a person would see them. */
  readonly output: string
}

/** Runs a tool to its end; throws when it is not installed. */
export function runTool(name: string, args: readonly string[], input?: string): ToolRun {
  const path = findTool(name)
  if (path === undefined) throw new Error(`${name} is missing: run deploy/install-tools.sh`)
  const { status, stdout, stderr, error } = spawnSync(path, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    ...(input === undefined ? {} : { input }),
  })
  if (error !== undefined) throw error
  return { code: status ?? 1, stdout, output: stdout + stderr }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
