import t from 'tap'
import { type ClassRules, isOthers, isOurs, namedClass } from './ingress-class.ts'
import type { Ingress, IngressClass } from './kube/objects.ts'

const rules: ClassRules = {
  ingressClasses: ['weir'],
  controllerClasses: ['weir.dev/ingress'],
  watchWithoutClass: false,
}
const ours: IngressClass = { metadata: { name: 'edge' }, spec: { controller: 'weir.dev/ingress' } }
const theirs: IngressClass = { metadata: { name: 'other' }, spec: { controller: 'k8s.io/nginx' } }
const stolen: IngressClass = { metadata: { name: 'weir' }, spec: { controller: 'k8s.io/nginx' } }
const defaultOf = (object: IngressClass, value = 'true'): IngressClass => ({
  ...object,
  metadata: {
    ...object.metadata,
    annotations: { 'ingressclass.kubernetes.io/is-default-class': value },
  },
})
const named = (ingressClassName: string): Ingress => ({ spec: { ingressClassName } })
const annotated = (value: string): Ingress => ({
  metadata: { annotations: { 'kubernetes.io/ingress.class': value } },
})

const rows: {
  why: string
  ingress: Ingress
  classes?: IngressClass[]
  rules?: Partial<ClassRules>
  ours: boolean
}[] = [
  {
    why: 'a class of our controller, whatever its name',
    ingress: named('edge'),
    classes: [theirs, ours],
    ours: true,
  },
  {
    why: 'a class of another controller',
    ingress: named('other'),
    classes: [ours, theirs],
    ours: false,
  },
  { why: 'our name while no such object exists', ingress: named('weir'), ours: true },
  {
    why: 'our name, but the object belongs to another controller',
    ingress: named('weir'),
    classes: [stolen],
    ours: false,
  },
  { why: 'an unknown name', ingress: named('unknown'), classes: [ours], ours: false },
  { why: 'a name that only begins like ours', ingress: named('weir-internal'), ours: false },
  { why: 'names are case-sensitive', ingress: named('Weir'), ours: false },
  {
    why: 'a controller value that only begins like ours',
    ingress: named('x'),
    classes: [{ metadata: { name: 'x' }, spec: { controller: 'weir.dev/ingress-internal' } }],
    ours: false,
  },
  { why: 'the legacy annotation equals our class', ingress: annotated('weir'), ours: true },
  { why: 'the legacy annotation names another class', ingress: annotated('nginx'), ours: false },
  {
    why: 'the legacy annotation is not a pattern',
    ingress: annotated('weir-internal'),
    ours: false,
  },
  {
    why: 'another legacy class is not taken by the default class',
    ingress: annotated('nginx'),
    classes: [defaultOf(ours)],
    ours: false,
  },
  {
    why: 'the field beats the annotation',
    ingress: { ...annotated('weir'), spec: { ingressClassName: 'other' } },
    classes: [theirs],
    ours: false,
  },
  {
    why: 'the field beats a foreign annotation',
    ingress: { ...annotated('nginx'), spec: { ingressClassName: 'weir' } },
    ours: true,
  },
  { why: 'no class at all', ingress: {}, classes: [ours], ours: false },
  { why: 'no class, ours is the default', ingress: {}, classes: [defaultOf(ours)], ours: true },
  {
    why: 'is-default-class must say true',
    ingress: {},
    classes: [defaultOf(ours, 'false')],
    ours: false,
  },
  { why: 'another default class', ingress: {}, classes: [defaultOf(theirs), ours], ours: false },
  {
    why: 'no class, but watched without',
    ingress: {},
    rules: { watchWithoutClass: true },
    ours: true,
  },
  {
    why: 'watching without class takes no named one',
    ingress: named('other'),
    rules: { watchWithoutClass: true },
    ours: false,
  },
  {
    why: 'the name of a class of another controller is enough where the operator says so',
    ingress: named('weir'),
    classes: [{ metadata: { name: 'weir' }, spec: { controller: 'example.com/other' } }],
    rules: { byName: true },
    ours: true,
  },
  {
    why: 'and only there',
    ingress: named('weir'),
    classes: [{ metadata: { name: 'weir' }, spec: { controller: 'example.com/other' } }],
    ours: false,
  },
  {
    why: 'an empty field and an empty annotation say nothing',
    ingress: { ...annotated(''), spec: { ingressClassName: '' } },
    classes: [defaultOf(ours)],
    ours: true,
  },
  {
    why: 'several names and controllers take over an existing class',
    ingress: named('nginx'),
    classes: [{ metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } }],
    rules: { controllerClasses: ['weir.dev/ingress', 'k8s.io/ingress-nginx'] },
    ours: true,
  },
]

for (const row of rows) {
  t.test(`${row.ours ? 'ours' : 'not ours'}: ${row.why}`, async (t) => {
    t.equal(isOurs(row.ingress, row.classes ?? [], { ...rules, ...row.rules }), row.ours)
  })
}

const stays = { ...named(''), metadata: annotated('weir').metadata ?? {} }
const namings: readonly {
  readonly why: string
  readonly ingress: Ingress
  readonly classes?: readonly IngressClass[]
  readonly name: string
  readonly others: boolean
}[] = [
  { why: 'ours', ingress: named('edge'), classes: [ours], name: 'edge', others: false },
  {
    why: 'a class of another controller',
    ingress: named('other'),
    classes: [ours, theirs],
    name: 'other',
    others: true,
  },
  {
    why: 'a class whose object is not there: deleted for a moment, perhaps',
    ingress: named('edge'),
    classes: [theirs],
    name: 'edge',
    others: false,
  },
  { why: 'no class', ingress: {}, classes: [ours], name: '', others: false },
  {
    why: 'another name in the annotation',
    ingress: annotated('nginx'),
    name: 'nginx',
    others: true,
  },
  {
    why: 'our class by an annotation that is not our name: nobody else has it',
    ingress: annotated('edge'),
    classes: [ours],
    name: 'edge',
    others: false,
  },
  { why: 'our name in the annotation', ingress: annotated('weir'), name: 'weir', others: false },
  { why: 'an empty field says nothing', ingress: stays, name: 'weir', others: false },
  {
    why: 'the field beats the annotation',
    ingress: { ...annotated('weir'), spec: { ingressClassName: 'other' } },
    classes: [theirs],
    name: 'other',
    others: true,
  },
]

for (const { why, ingress, classes = [], name, others } of namings) {
  t.test(
    `names '${name}', ${others ? "somebody else's" : "not somebody else's"}: ${why}`,
    async (t) => {
      t.equal(namedClass(ingress), name)
      t.equal(isOthers(ingress, classes, rules), others)
    },
  )
}

t.test('misshapen objects are not ours and throw nothing', async (t) => {
  const shapes = [null, 5, 'text', [], { spec: null }, { spec: 'text' }, { metadata: [] }].concat([
    { spec: { ingressClassName: 5 } },
    { spec: { ingressClassName: ['weir'] } },
    { metadata: { annotations: { 'kubernetes.io/ingress.class': 5 } } },
  ] as never)
  const classes = JSON.parse(
    '[null, 5, {"metadata": null}, {"spec": "x"}, {"spec": {"controller": 1}}]',
  )
  for (const shape of shapes) {
    const ingress = JSON.parse(JSON.stringify(shape))
    t.equal(isOurs(ingress, classes, rules), false, JSON.stringify(shape))
    t.equal(isOthers(ingress, classes, rules), false, JSON.stringify(shape))
  }
})
