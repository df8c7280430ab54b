import t from 'tap'
import { refOf } from '../upstreams/backend-ref.ts'
import { readAnnotations } from './annotations/read.ts'
import { readIngress } from './claims.ts'
import { chooseForRule, type WeightedService } from './weighted-choices.ts'

const ref = (service: string, port: number | string) => refOf({ namespace: 'shop', service, port })
const choice = (service: string, port: number | string, weight: number) => ({
  upstream: `shop/${service}:${port}`,
  service,
  weight,
})
const weights: WeightedService[] = [
  { service: 'web', port: 80, weight: 90 },
  { service: 'canary', port: 'http', weight: 10 },
]

t.test('a rule of a weighted Service has all choices', async (t) => {
  const { choices, backends, isWeighted } = chooseForRule(ref('web', 80), weights)
  t.strictSame(choices, [choice('web', 80, 90), choice('canary', 'http', 10)])
  t.strictSame(
    backends.map(({ key }) => key),
    ['shop/web:80', 'shop/canary:http'],
  )
  t.equal(isWeighted, true)
})

t.test('another port of a weighted Service is another backend', async (t) => {
  const { choices, isWeighted } = chooseForRule(ref('web', 9090), weights)
  t.strictSame(choices, [choice('web', 9090, 1)])
  t.equal(isWeighted, false)
})

t.test('a number and a name may be one port', async (t) => {
  const { choices, backends } = chooseForRule(ref('canary', 8080), weights)
  t.strictSame(choices, [choice('web', 80, 90), choice('canary', 'http', 10)])
  t.equal(backends[0]?.key, 'shop/canary:8080', 'its own comes first')
})

t.test('other rules have their own alone', async (t) => {
  for (const given of [weights, undefined]) {
    const { choices, isWeighted } = chooseForRule(ref('api', 80), given)
    t.strictSame(choices, [choice('api', 80, 1)])
    t.equal(isWeighted, false)
  }
})

/** What an Ingress with rules for these Services comes to. */
function read(text: string, ...services: string[]) {
  const paths = services.map((name) => ({
    path: `/${name}`,
    pathType: 'Prefix',
    backend: { service: { name, port: { number: 80 } } },
  }))
  const annotations = { 'weir.dev/weights': text }
  const { claims, problems } = readIngress(
    {
      metadata: { namespace: 'shop', name: 'web', annotations },
      spec: { rules: [{ host: 'a.test', http: { paths } }] },
    },
    readAnnotations,
  )
  return {
    choices: claims.map(({ route: { backend } }) => backend.kind === 'forward' && backend.choices),
    problems: problems.map(({ message }) => message),
  }
}

t.test('an Ingress says it for all its rules', async (t) => {
  const both = [choice('web', 80, 3), choice('canary', 'http', 0)]
  const { choices, problems } = read('web:80=3, canary:http=0', 'web', 'api', 'canary')
  t.strictSame(choices, [both, [choice('api', 80, 1)], both])
  t.strictSame(problems, [])
})

t.test('weights that fit no rule are reported', async (t) => {
  const { choices, problems } = read('canary:80=1', 'web', 'api')
  t.strictSame(choices, [[choice('web', 80, 1)], [choice('api', 80, 1)]])
  t.match(problems, [/No rule of this Ingress/])
})

const wrong: { text: string; says: RegExp }[] = [
  { text: 'web=90', says: /such as web:80=90/ },
  { text: 'web:80=1=2', says: /such as web:80=90/ },
  { text: 'web:80', says: /such as web:80=90/ },
  { text: 'web:80=-1', says: /such as web:80=90/ },
  { text: 'web:80=1.5', says: /such as web:80=90/ },
  { text: 'web:80=1000001', says: /such as web:80=90/ },
  { text: 'other/web:80=1', says: /such as web:80=90/ },
  { text: 'web:80=1, web:81=2', says: /names web twice/ },
  { text: '', says: /1 to 16 Services/ },
  {
    text: Array.from({ length: 17 }, (_, at) => `s${at}:80=1`).join(),
    says: /1 to 16 Services/,
  },
]

for (const { text, says } of wrong) {
  t.test(`weights ${text.slice(0, 30)} are reported, and each rule has its own`, async (t) => {
    const { choices, problems } = read(text, 'web')
    t.strictSame(choices, [[choice('web', 80, 1)]])
    t.match(problems, [says])
  })
}
