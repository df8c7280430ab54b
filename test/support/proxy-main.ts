// Which file is the proxy under test? That of the bundle, where `npm test` has made one: it starts in a third of the time.
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
const { PROGRAMS_UNDER_TEST } = process.env

/** The proxy's main file: as the image ships it or, without a bundle, as it is written. */
export const proxyMain =
  PROGRAMS_UNDER_TEST === undefined
    ? join(root, 'proxy/main.ts')
    : join(PROGRAMS_UNDER_TEST, 'proxy/main.js')
