// What does matching a pattern cost per request, by RE2 and by the short cut for idioms?
import { compileAny, compilePattern, type PatternResult } from '../../shared/routing/pattern.ts'
import { measure } from './measure.ts'

const paths = Array.from({ length: 1024 }, (_, i) => `/api/v1/users/${i}/orders`)
const idiom = '/api(/|$)(.*)'
const general = '/(api|app)/v[0-9]+/(.*)'

function groupsOf(result: PatternResult): (i: number) => unknown {
  if (!result.ok) throw new Error(result.reason)
  return (i) => result.pattern.groups(paths[i & 1023] ?? '')
}

measure('idiom, short cut', groupsOf(compilePattern(idiom)))
measure('idiom, RE2', groupsOf(compileAny(idiom)))
measure('general, RE2', groupsOf(compilePattern(general)))
