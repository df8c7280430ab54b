// What does a process cost? CPU and memory of a process with its threads and children, from /proc.
import { readFileSync } from 'node:fs'
import { processTree } from '../test/support/programs.ts'

// USER_HZ is 100 on every Linux that Node runs on.
const msPerTick = 10

/** CPU time, user and system, of a process and its descendants, ms. */
export function cpuMs(pid: number): number {
  return processTree(pid).reduce((sum, one) => sum + ownCpuMs(one), 0)
}

function ownCpuMs(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name may hold spaces; fields are counted after its parenthesis: utime is the 12th, stime the 13th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * msPerTick
  } catch {
    return 0
  }
}
