// What does matching a pattern cost per request, by RE2 and by the short cuts for idioms?
import {
  compileAny,
  compileAnySearch,
  compilePattern,
  compileSearch,
  type PatternResult,
  type SearchResult,
} from '../../shared/routing/pattern.ts'
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

const agent =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36'
const agents = Array.from({ length: 1024 }, (_, i) => `${agent} ${i}`)
const texts = '(Firefox|Chrome)'
const version = 'Chrome/1[0-9]{2}\\.'

function searchIn(result: SearchResult): (i: number) => unknown {
  if (!result.ok) throw new Error(result.reason)
  return (i) => result.search(agents[i & 1023] ?? '')
}

measure('search for texts, short cut', searchIn(compileSearch(texts)))
measure('search for texts, RE2', searchIn(compileAnySearch(texts)))
measure('search, RE2', searchIn(compileSearch(version)))
