// How long may a text be that filters make of a request? No longer than a head: filters can double what the filters before them
// have made, and a hundred of them are allowed, so that nothing else would end it.

/** The longest text, in bytes. */
const longest = 64 << 10

/** Gives a text that is not too long. Throws a RangeError for one that is: the request fails, and its route is named. */
export function bounded(text: string): string {
  if (text.length <= longest) return text
  throw new RangeError(`a text of more than ${longest} bytes is made of the request`)
}
