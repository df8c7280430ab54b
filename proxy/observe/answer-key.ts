// How are requests told apart by their method and the status of their answer? By one number, and the labels that it stands for.
// Invariant: a client may send any token as its method: what is not listed shares one label, or it could fill the memory.

const methods = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'TRACE']

/** Makes the number of a method and a status. */
export function answerKey(method: string, status: number): number {
  return methodIndex(method) * 1000 + status
}

/** Gives the labels of such a number. */
export function answerLabels(key: number): { readonly method: string; readonly status: string } {
  const method = methods[Math.floor(key / 1000)] ?? 'OTHER'
  return { method, status: String(key % 1000) }
}

function methodIndex(method: string): number {
  if (method === 'GET') return 0
  const index = methods.indexOf(method)
  return index === -1 ? methods.length : index
}
