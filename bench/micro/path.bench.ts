// What does the path normalisation cost per request? Ordinary paths must stay below 50 ns.
import { normalisePath } from '../../shared/routing/path.ts'
import { measure } from './measure.ts'

const ordinary = Array.from({ length: 1024 }, (_, i) => `/api/v1/users/${i}/orders/items`)
const wellKnown = Array.from({ length: 1024 }, (_, i) => `/.well-known/acme-challenge/${i}`)
const encoded = Array.from({ length: 1024 }, (_, i) => `/caf%C3%A9/${i}/menu%20card`)
const dots = Array.from({ length: 1024 }, (_, i) => `/a/b/../c/./${i}`)

measure('path ordinary (30 bytes)', (i) => normalisePath(ordinary[i & 1023] ?? ''))
measure('path beginning with a dot', (i) => normalisePath(wellKnown[i & 1023] ?? ''))
measure('path with escapes', (i) => normalisePath(encoded[i & 1023] ?? ''))
measure('path with dot segments', (i) => normalisePath(dots[i & 1023] ?? ''))
