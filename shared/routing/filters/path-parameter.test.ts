// Which part of a path has a name, by the pattern of its route?
import t from 'tap'
import { requestView } from '../testing/request-view.ts'
import { compilePathParameter } from './path-parameter.ts'

const rows = [
  ['/:x/:y/*z', 'y', '/1/2/3', '2', 'one segment'],
  ['/:x/:y/*z', 'z', '/1/2/3/4', '/3/4', 'the rest, with its slash'],
  ['/:x', 'x', '/a%20b', 'a b', 'decoded'],
  ['/:x/b', 'x', '//a//b', 'a', 'slashes are merged'],
  ['/f/**', '*', '/f/a/b', '/a/b', 'a rest without a name'],
  ['/s/:x', '*', '/s/1/2/3', '/2/3', 'what is below'],
  ['/s/:x', '*', '/s/1', '/', 'nothing is below'],
  ['/', '*', '/a/b', '/a/b', 'below the root'],
  ['/f/*rest', '*', '/f/a', undefined, 'the rest has another name'],
  ['/:x', 'y', '/a', undefined, 'no such name'],
] as const

for (const [pattern, name, path, value, why] of rows) {
  t.test(`${name} of ${path} by ${pattern}: ${why}`, async (t) => {
    t.equal(compilePathParameter(pattern, name)(requestView({ path })), value)
  })
}
