// How is a proxy loaded? By wrk where installed, else by autocannon; paced load and idle tunnels by drivers of ours.
// Each is a process of its own on the load's core and prints one line of JSON.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { findProgram } from '../test/support/programs.ts'
import { onCore } from './pin.ts'

/** What one run of load gave. */
export interface LoadResult {
  readonly requests: number
  /** To the client. */
  readonly bytes: number
  readonly seconds: number
  readonly failures: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
}

/** What to send. */
export interface Load {
  readonly port: number
  readonly host: string
  readonly path: string
  readonly connections: number
  readonly seconds: number
  /** A new connection for each request. */
  readonly close?: boolean
  readonly uploadBytes?: number
  /** Requests per second over all connections, evenly spaced; without it as many as go. */
  readonly rate?: number
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** Runs a program on the load's core and reads the JSON line that it prints. */
export async function runForJson(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const [program = command, ...rest] = onCore('load', [command, ...args])
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let out = ''
  const keep = (chunk: Buffer) => {
    out += chunk.toString()
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  await once(child, 'close')
  const line = out.split('\n').find((text) => text.startsWith('JSON '))
  if (line === undefined) throw new Error(`${command} gave no result: ${out.slice(-1000)}`)
  return line.slice(5)
}

/** Names the tool that makes the load. */
export function loadTool(): 'wrk' | 'autocannon' {
  return findProgram('wrk') === undefined ? 'autocannon' : 'wrk'
}

/** Loads a proxy once. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const parsed: LoadResult = JSON.parse(await runTool(load))
  return parsed
}

function runTool(load: Load): Promise<string> {
  if (load.rate !== undefined) {
    return runForJson(process.execPath, [here('paced-load.ts'), JSON.stringify(load)])
  }
  if (loadTool() === 'autocannon') {
    return runForJson(process.execPath, [here('autocannon-load.ts'), JSON.stringify(load)])
  }
  const headers = ['-H', `Host: ${load.host}`, ...(load.close ? ['-H', 'Connection: close'] : [])]
  return runForJson(
    'wrk',
    [
      ...['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '--timeout', '20s'],
      ...['-s', here('wrk-report.lua'), ...headers],
      `http://127.0.0.1:${load.port}${load.path}`,
    ],
    { BENCH_UPLOAD_BYTES: String(load.uploadBytes ?? 0) },
  )
}
