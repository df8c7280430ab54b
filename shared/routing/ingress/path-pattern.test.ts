import t from 'tap'
import { spellPattern } from './path-pattern.ts'

const rows = [
  { pattern: '/api/v[0-9]+(/|$)(.*)', is: '/api/v[0-9]+(/|$)(.*)', why: 'syntax stays' },
  { pattern: '/café/(.*)', is: '/caf%C3%A9/(.*)', why: 'a letter is its escapes' },
  { pattern: '/é+/é{2}/é', is: '/(?:%C3%A9)+/(?:%C3%A9){2}/%C3%A9', why: 'all of it repeats' },
  { pattern: '/é(a)?', is: '/%C3%A9(a)?', why: 'what stands behind is no repetition' },
  { pattern: '/a b"<c>`', is: '/a%20b%22%3Cc%3E%60', why: 'what no path holds raw' },
  { pattern: '/caf%c3%a9', is: '/caf%C3%A9', why: 'escapes have one case' },
  { pattern: '/%7Euser%2ehtml', is: String.raw`/~user\.html`, why: 'unreserved ones are decoded' },
  { pattern: '/a%2Bb%24%28', is: String.raw`/a\+b\$\(`, why: 'and are text, no syntax' },
  { pattern: '/a%40b%2fc', is: '/a@b%2Fc', why: 'but an encoded slash is none' },
  { pattern: String.raw`/\d+\.\w`, is: String.raw`/\d+\.\w`, why: 'behind a backslash all stays' },
  { pattern: '/[^/%40]+', is: '/[^/%40]+', why: 'a class stays' },
  { pattern: '/[]é]', is: undefined, why: 'a bracket first in a class is one of its characters' },
  { pattern: '/[a-zé]+', is: undefined, why: 'a class is for single bytes' },
  { pattern: '/[^ ]', is: undefined, why: 'nor is a space in any path' },
  { pattern: '/\ud800', is: '/%EF%BF%BD', why: 'half a character is no reason to throw' },
  {
    pattern: '/[unclosed é',
    is: '/[unclosed%20%C3%A9',
    why: 'what is no pattern is refused later',
  },
]

for (const { pattern, is, why } of rows) {
  t.test(`${JSON.stringify(pattern)} is spelled ${is}: ${why}`, async (t) => {
    t.equal(spellPattern(pattern), is)
  })
}
