// What did ingress-nginx not read: empty values, what it takes for its default, keys of other controllers? Where `--like ingress-nginx` asks for what it did, such keys
// close nothing; elsewhere what may protect does.
import t from 'tap'
import { defaultsLike } from '../config-map/read.ts'
import { readAnnotations } from './read.ts'

const prefix = 'nginx.ingress.kubernetes.io/'

const read = (annotations: Readonly<Record<string, string>>, like?: 'ingress-nginx') => {
  const { termsFor, problems } = readAnnotations(
    {
      metadata: { namespace: 'shop', name: 'web', annotations },
      spec: { rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix' }] } }] },
    },
    defaultsLike(like),
  )
  return { isClosed: 'kind' in termsFor('/', 'Prefix').backend, problems }
}

const rows: {
  given: Readonly<Record<string, string>>
  /** Whether the routes are closed without `--like`, and with it. */
  closed: readonly [boolean, boolean]
  /** What is said with `--like`; absent: nothing. */
  says?: RegExp
  why: string
}[] = [
  {
    given: { [`${prefix}custom-http-errors`]: '' },
    closed: [false, false],
    why: 'a chart writes it so where nothing is wanted',
  },
  {
    given: { [`${prefix}proxy-body-size`]: ' ', [`${prefix}proxy-read-timeout`]: '' },
    closed: [false, false],
    why: 'white space is nothing',
  },
  {
    given: { [`${prefix}ssl-redirect`]: 'yes' },
    closed: [true, false],
    says: /must be "true" or "false", and counts as absent/,
    why: 'the default is to redirect, so that nothing is lost',
  },
  {
    given: { [`${prefix}force-ssl-redirect`]: 'yes' },
    closed: [true, true],
    says: /must be "true" or "false"/,
    why: 'plain http would be served',
  },
  {
    given: { [`${prefix}permanent-redirect`]: '' },
    closed: [true, false],
    says: /is empty, and counts as absent/,
    why: 'no redirect, and its owner is told',
  },
  {
    given: { [`${prefix}auth-url`]: '' },
    closed: [true, false],
    says: /is empty, and counts as absent/,
    why: 'nobody was asked there',
  },
  {
    given: { [`${prefix}auth-type`]: 'basic', [`${prefix}auth-secret`]: '' },
    closed: [true, true],
    says: /is empty/,
    why: 'passwords without users let nobody in',
  },
  {
    given: { [`${prefix}whitelist-source-range`]: '' },
    closed: [true, true],
    says: /must name at least one address/,
    why: 'an empty list was 503 there, too',
  },
  {
    given: { [`${prefix}denylist-source-range`]: '' },
    closed: [true, true],
    says: /must name at least one address/,
    why: 'and so was an empty deny list',
  },
  {
    given: { 'ingress.kubernetes.io/ssl-redirect': 'true' },
    closed: [true, false],
    says: /ingress-nginx did not either/,
    why: 'charts write the old prefix beside the new one',
  },
  {
    given: { 'traefik.ingress.kubernetes.io/router.middlewares': 'shop-auth@kubernetescrd' },
    closed: [true, false],
    says: /ingress-nginx did not either/,
    why: 'charts write the keys of several controllers',
  },
  {
    given: { 'alb.ingress.kubernetes.io/target-type': 'ip' },
    closed: [false, false],
    says: /has no effect/,
    why: 'what protects nothing is reported as ever',
  },
]

for (const { given, closed, says, why } of rows) {
  t.test(`${Object.keys(given)}: ${why}`, async (t) => {
    const alone = read(given)
    const like = read(given, 'ingress-nginx')
    t.same([alone.isClosed, like.isClosed], closed)
    const words = like.problems.map(({ message }) => message).join('\n')
    if (says === undefined) t.same(like.problems, [])
    else t.match(words, says)
  })
}
