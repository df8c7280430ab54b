// Which Weir is this? The one place that says it is package.json.
import packageJson from '../package.json' with { type: 'json' }

/** Weir's version, such as `0.1.0`. */
export const version: string = packageJson.version
