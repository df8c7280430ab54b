import t from 'tap'
import { startAdmin } from './admin.ts'

t.test('the controller shows its targets, and is ready once it knows its part', async (t) => {
  let isReady = false
  const admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    metrics: async function* () {
      yield 'a 1\n'
    },
    isReady: () => isReady,
    targets: () => ({ role: 'leader', groups: [] }),
    log: { error: (fields) => t.fail(JSON.stringify(fields)) },
  })
  t.teardown(() => admin.close())
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${admin.address.port}${path}`)
    return { status: response.status, body: await response.text() }
  }
  t.strictSame(await get('/targets'), {
    status: 200,
    body: '{\n  "role": "leader",\n  "groups": []\n}\n',
  })
  t.strictSame(await get('/metrics'), { status: 200, body: 'a 1\n' })
  t.strictSame(await get('/healthz'), { status: 200, body: 'ok\n' })
  t.match(await get('/readyz'), { status: 503, body: /^not ready: / })
  isReady = true
  t.strictSame(await get('/readyz'), { status: 200, body: 'ok\n' })
  t.match(await get('/routes'), { status: 404, body: /\/targets/ })
})
