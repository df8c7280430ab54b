// How is a small text got from a URL: a key set?

const timeoutMs = 5000
const maxBytes = 1 << 20

/** Gets the text of an http(s) URL (UTF-8, at most 1 MiB, within 5 s); rejects with the reason when there is none. */
export async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' })
  if (!response.ok) throw new Error(`the answer is ${response.status}`)
  let text = ''
  const decoder = new TextDecoder()
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece, { stream: true })
    if (text.length > maxBytes) throw new Error('the text is too long')
  }
  return text
}
