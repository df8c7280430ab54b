// Which fields may come behind a body, and how much of them, in every version of HTTP?
import { isClaim } from '../../shared/trusted-fields.ts'

/** Of all trailer lines together, dropped ones too. */
export const maxTrailerBytes = 16384

// RFC 9110 §6.5.1: fields for framing, routing, authentication, request modifiers and response control never come as
// trailers; here they are dropped before anybody can merge them into a head.
const forbidden =
  /^(?:content-[a-z-]+|transfer-encoding|te|trailer|host|connection|keep-alive|proxy|proxy-.*|upgrade|expect|max-forwards|authorization|www-authenticate|cookie|set-cookie2?|cache-control|pragma|range|if-.*|age|date|expires|location|retry-after|vary|warning|via)$/

/** Says whether a field, its name in lower case, is passed on as a trailer. */
export function mayBeTrailer(name: string): boolean {
  return !forbidden.test(name) && !name.includes('_') && !isClaim(name)
}
