import t from 'tap'
import { classSetAtMs, shownAtMs } from './field-owners.ts'

const us = 'weir-controller:edge/weir'
const shown = { 'f:status': { 'f:loadBalancer': { 'f:ingress': {} } } }
const at = Date.parse('2026-01-02T03:04:05Z')
const entry = (manager: unknown, fieldsV1: unknown, time: unknown = '2026-01-02T03:04:05Z') => ({
  manager,
  operation: 'Update',
  time,
  fieldsV1,
})
const owned = (...managedFields: unknown[]) => ({ metadata: { managedFields } })
const later = '2026-01-02T03:04:06Z'

const shownCases = [
  { why: 'we wrote the list last', object: owned(entry(us, shown)), at },
  { why: 'somebody else did', object: owned(entry('nginx', shown)), at: undefined },
  {
    why: 'another installation of Weir did',
    object: owned(entry('weir-controller:edge/other', shown)),
    at: undefined,
  },
  {
    why: 'we own something else of the status',
    object: owned(entry(us, { 'f:status': { 'f:conditions': {} } })),
    at: undefined,
  },
  {
    why: 'the status only, not the list in it: somebody took the list over',
    object: owned(entry(us, { 'f:status': { 'f:loadBalancer': {} } }), entry('x', shown)),
    at: undefined,
  },
  {
    why: 'the later of two entries',
    object: owned(entry(us, shown), entry(us, shown, later)),
    at: at + 1000,
  },
  { why: 'no managed fields', object: { metadata: {} }, at: undefined },
  { why: 'cleared by somebody', object: owned({}), at: undefined },
]

for (const { why, object, at } of shownCases) {
  t.test(`shown at ${at}: ${why}`, async (t) => {
    t.equal(shownAtMs(object, us), at)
  })
}

const legacy = {
  'f:metadata': { 'f:annotations': { '.': {}, 'f:kubernetes.io/ingress.class': {} } },
}
const classCases = [
  { why: 'by the field', fields: { 'f:spec': { 'f:ingressClassName': {} } }, at },
  { why: 'by the annotation', fields: legacy, at },
  { why: 'other fields', fields: { 'f:spec': { 'f:rules': {} } }, at: undefined },
  {
    why: 'other annotations',
    fields: { 'f:metadata': { 'f:annotations': { 'f:x': {} } } },
    at: undefined,
  },
]

for (const { why, fields, at } of classCases) {
  t.test(`class set at ${at}: ${why}`, async (t) => {
    t.equal(classSetAtMs(owned(entry('kubectl-edit', fields))), at)
  })
}

t.test('what is misshapen owns nothing and throws nothing', async (t) => {
  const shapes = [
    undefined,
    null,
    5,
    'text',
    [],
    { metadata: null },
    { metadata: { managedFields: 'x' } },
    owned(null, 5, 'x', []),
    owned(entry(us, null), entry(us, { 'f:status': null }), entry(us, [])),
    owned(entry(us, shown, 'yesterday'), entry(us, shown, 5), entry(us, shown, null)),
    owned(entry(5, shown)),
  ]
  for (const shape of shapes) {
    t.equal(shownAtMs(shape, us), undefined, JSON.stringify(shape))
    t.equal(classSetAtMs(shape), undefined, JSON.stringify(shape))
  }
})
