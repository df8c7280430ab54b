import t from 'tap'
import { compileContext, requestView, runStep } from '../testing/filter-stage.ts'
import { customHeadersKind } from './custom-headers.ts'
import type { AssetData } from './kind.ts'

const filter = {
  kind: 'custom-headers',
  configMap: 'shop/fields',
  allowed: ['x-a', 'x-b'],
} as const
const ref = { kind: 'config-map', name: 'shop/fields' } as const

const rows: { data: AssetData | undefined; fields?: Record<string, string[]>; why: string }[] = [
  {
    data: { 'X-A': '1', 'x-b': 'two; three' },
    fields: { 'x-a': ['1'], 'x-b': ['two; three'] },
    why: 'allowed',
  },
  { data: {}, fields: {}, why: 'nothing in it' },
  { data: undefined, why: 'no ConfigMap' },
  { data: { 'X-A': '1', 'X-C': '2' }, why: 'one that nobody allowed' },
  { data: { 'X-A': 'a\r\nb' }, why: 'a split head' },
  { data: { 'X-A': '$host' }, why: 'a variable' },
]

for (const { data, fields, why } of rows) {
  t.test(why, async (t) => {
    t.same(customHeadersKind.assets?.(filter), [ref])
    const context = compileContext()
    const step = customHeadersKind.compile(filter, context).request
    context.setAsset(ref, data)
    const request = requestView()
    t.same(runStep(step, request).verdicts, [fields === undefined ? 'policy-closed' : undefined])
    t.same(Object.fromEntries(request.responseFields), fields ?? {})
  })
}
