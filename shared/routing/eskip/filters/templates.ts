// Which parts of a request do Skipper's placeholders name (`${request.header.X-Name}`)?
import type { TemplatePart, TemplateText } from '../../filters/template.ts'

const fixed: Readonly<Record<string, TemplatePart>> = {
  'request.method': { from: 'method' },
  'request.host': { from: 'host' },
  'request.path': { from: 'path' },
  'request.rawQuery': { from: 'query' },
  // Skipper's first address of X-Forwarded-For is one that any client writes.
  'request.source': { from: 'client' },
  'request.sourceFromLast': { from: 'client' },
  'request.clientIP': { from: 'peer' },
}

/** Reads a text with placeholders; what is in `${…}` and no name of ours is a parameter of the path. */
export function readTemplate(text: string): TemplateText {
  const parts: TemplatePart[] = []
  let end = 0
  for (const match of text.matchAll(/\$\{([^{}]+)\}/g)) {
    if (match.index > end) parts.push(text.slice(end, match.index))
    parts.push(readPlaceholder(match[1] ?? ''))
    end = match.index + match[0].length
  }
  if (end < text.length || parts.length === 0) parts.push(text.slice(end))
  return parts
}

function readPlaceholder(name: string): TemplatePart {
  const known = fixed[name]
  if (known !== undefined) return known
  const [, where, rest = ''] =
    /^(request\.(?:query|header|cookie)|response\.header)\.(.+)$/s.exec(name) ?? []
  if (where === 'request.query') return { from: 'parameter', name: rest }
  if (where === 'request.header') return { from: 'header', name: rest.toLowerCase() }
  if (where === 'request.cookie') return { from: 'cookie', name: rest }
  if (where === 'response.header') return { from: 'response-header', name: rest.toLowerCase() }
  return { from: 'path-parameter', name }
}
