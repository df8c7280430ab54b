// How is a small text got from a URL: a key set, a key?

const timeoutMs = 5000
const maxBytes = 1 << 20

/** The server answered, and not with the text. */
export class StatusError extends Error {
  readonly status: number
  constructor(status: number) {
    super(`the answer is ${status}`)
    this.status = status
  }
}

/** Gets the text of an http(s) URL (UTF-8, at most 1 MiB, within 5 s); rejects with the reason when there is none. */
export async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' })
  if (!response.ok) {
    await response.body?.cancel()
    throw new StatusError(response.status)
  }
  let text = ''
  const decoder = new TextDecoder()
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece, { stream: true })
    if (text.length > maxBytes) throw new Error('the text is too long')
  }
  return text
}
