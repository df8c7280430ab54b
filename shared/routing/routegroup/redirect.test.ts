// When does a RouteGroup send clients to https?
import t from 'tap'
import { readRedirect } from './redirect.ts'

const key = 'zalando.org/skipper-ingress-redirect'
const rows = [
  [{}, false, undefined, 0, 'nobody asks for it'],
  [{}, true, 308, 0, 'the option does'],
  [{ [key]: 'false' }, true, undefined, 0, 'the annotation is stronger'],
  [{ [key]: 'true' }, false, 308, 0, 'the annotation alone'],
  [{ [key]: 'true', [`${key}-code`]: '301' }, false, 301, 0, 'its status'],
  [{ [key]: 'true', [`${key}-code`]: '200' }, false, 308, 1, 'a status that is none'],
  [{ [key]: 'yes' }, true, 308, 1, 'a word that is none'],
  [{ [key]: 'yes' }, false, undefined, 1, 'a word that is none'],
  [undefined, true, 308, 0, 'no annotations'],
] as const

for (const [annotations, isDefault, status, problems, why] of rows) {
  t.test(`${JSON.stringify(annotations)}, ${isDefault}: ${why}`, async (t) => {
    const told: string[] = []
    const filter = readRedirect(annotations, isDefault, (reason) => void told.push(reason))
    t.equal(filter?.status, status)
    t.equal(told.length, problems)
  })
}
