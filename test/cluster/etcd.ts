// What is asked of etcd itself, over its JSON gateway.

const gateway = 'http://127.0.0.1:2379/v3/kv'

/** Compacts up to now: earlier versions can be neither listed nor watched from any more. */
export async function compactEtcd(): Promise<void> {
  const range = await call('range', { key: Buffer.from('/').toString('base64') })
  const { header } = range as { readonly header: { readonly revision: string } }
  await call('compaction', { revision: header.revision, physical: true })
}

async function call(method: string, body: object): Promise<unknown> {
  const response = await fetch(`${gateway}/${method}`, {
    method: 'POST',
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`etcd: ${text}`)
  return JSON.parse(text)
}
