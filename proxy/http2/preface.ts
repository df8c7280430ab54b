// Does a connection speak HTTP/2 by prior knowledge? Its first bytes say so (RFC 9113 §3.3, §3.4).

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** Tells whether bytes at the start of a connection are HTTP/2's; 'more' only while they may still become so. */
export function looksLikePreface(bytes: Buffer): 'yes' | 'no' | 'more' {
  const length = Math.min(bytes.length, preface.length)
  if (bytes.compare(preface, 0, length, 0, length) !== 0) return 'no'
  return length === preface.length ? 'yes' : 'more'
}
