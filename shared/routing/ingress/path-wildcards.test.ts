import fc from 'fast-check'
import t from 'tap'
import { assertProperty } from '../../testing/assert-property.ts'
import { compilePattern } from '../pattern.ts'
import { asPattern, asPrefix } from './path-wildcards.ts'

/** As AWS describes it: `*` is any text, `?` one character; character by character, sharing nothing with the pattern. */
function isMatch(path: string, glob: string): boolean {
  const [first] = glob
  if (first === undefined) return path === ''
  if (first === '*') {
    return isMatch(path, glob.slice(1)) || (path !== '' && isMatch(path.slice(1), glob))
  }
  return (
    path !== '' && (first === '?' || first === path[0]) && isMatch(path.slice(1), glob.slice(1))
  )
}

const text = fc.array(fc.constantFrom('a', 'b', '/', '.', '+', '('), { maxLength: 6 })
const glob = fc.array(fc.constantFrom('a', 'b', '/', '.', '+', '(', '*', '?'), { maxLength: 6 })

t.test('a pattern matches what the wildcards match', async (t) => {
  assertProperty(
    t,
    fc.property(glob, text, (written, given) => {
      const [wildcards, path] = [`/${written.join('')}`, `/${given.join('')}`]
      const compiled = compilePattern(asPattern(wildcards))
      if (!compiled.ok) throw new Error(`${wildcards} gives no pattern`)
      return compiled.pattern.test(path) === isMatch(path, wildcards)
    }),
  )
})

t.test('a prefix matches what the wildcard matches, and itself', async (t) => {
  assertProperty(
    t,
    fc.property(glob, text, (written, given) => {
      const [wildcards, path] = [`/${written.join('')}`, `/${given.join('')}`]
      const prefix = asPrefix(wildcards)
      if (prefix === undefined) return true
      const isBelow = prefix === '/' || path === prefix || path.startsWith(`${prefix}/`)
      return isBelow === (isMatch(path, wildcards) || path === prefix)
    }),
  )
})
