// Services with real upstreams behind a data plane, for tests of what a route's backend may ask for.
import type { Test } from 'tap'
import type { ForwardBackend } from '../../shared/routing/backend.ts'
import { type Ask, ask } from '../support/ask.ts'
import { type InProcess, type InProcessOptions, startInProcess } from '../support/in-process.ts'
import type { RawResponse } from '../support/raw-client.ts'
import { type Script, type ScriptedUpstream, startScripted } from '../support/upstream.ts'

/** What a route of the stage may ask for. */
export type Backend = Partial<Omit<ForwardBackend, 'kind'>>

/** A choice of one of the stage's Services. */
export const choice = (service: string, weight: number) => ({
  upstream: `default/${service}:80`,
  service,
  weight,
})

/** A response whose body is `text`. */
export function answer(text: string, status = 200): string {
  return `HTTP/1.1 ${status} X\r\nContent-Length: ${text.length}\r\n\r\n${text}`
}

/** Starts an upstream that answers with its name, unless the script does. */
export async function startNamed(
  t: Test,
  name: string,
  script: Script = {},
): Promise<ScriptedUpstream> {
  const upstream = await startScripted({ onRequest: () => answer(name), ...script })
  t.teardown(() => upstream.close())
  return upstream
}

/** Starts a data plane that ends with the test. */
export async function start(t: Test, options: InProcessOptions): Promise<InProcess> {
  const proxy = await startInProcess(options)
  t.teardown(() => proxy.close())
  return proxy
}

/** Sends one request to a.test and gives the response. */
export function send(proxy: InProcess, asked: Partial<Ask> = {}): Promise<RawResponse> {
  return ask(proxy.port, { host: 'a.test', ...asked })
}

/** Sends requests one after another; counts the bodies of their responses. */
export async function countBodies(
  proxy: InProcess,
  times: number,
  asked: (index: number) => Partial<Ask> = () => ({}),
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  for (let index = 0; index < times; index += 1) {
    const { body } = await send(proxy, asked(index))
    counts[body] = (counts[body] ?? 0) + 1
  }
  return counts
}
