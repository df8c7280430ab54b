// On which core does what run? The proxy on core 0, upstream and load on core 1, where taskset and two cores exist.
import { availableParallelism } from 'node:os'
import { findProgram } from '../test/support/programs.ts'

const isPinning = availableParallelism() >= 2 && findProgram('taskset') !== undefined

/** Prefixes a command line with its core; `both` leaves it free. */
export function onCore(
  role: 'proxy' | 'load' | 'both',
  command: readonly string[],
): readonly string[] {
  if (!isPinning || role === 'both') return command
  return ['taskset', '-c', role === 'proxy' ? '0' : '1', ...command]
}

/** Says how the processes are placed. */
export function placement(): string {
  return isPinning ? 'proxy on core 0, upstream and load on core 1' : 'not pinned'
}
