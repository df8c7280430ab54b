// What did the control thread fetch for the filters of this worker?
import type { AssetData, AssetRef, LiveAsset } from '../../shared/routing/filters/kind.ts'

/** Contents by name; a filter's view of one follows by itself. */
export class AssetStore {
  readonly #contents = new Map<string, AssetData>()

  /** Takes over another content; undefined removes it. */
  set(ref: AssetRef, data: AssetData | undefined): void {
    if (data === undefined) this.#contents.delete(keyOf(ref))
    else this.#contents.set(keyOf(ref), data)
  }

  /** The content of an asset; undefined: there is none now. */
  get(ref: AssetRef): AssetData | undefined {
    return this.#contents.get(keyOf(ref))
  }

  /** Makes a view; `parse` runs when a version is first asked for, and a throw means that there is no value. */
  live<T>(ref: AssetRef, parse: (data: AssetData) => T): LiveAsset<T> {
    const key = keyOf(ref)
    const contents = this.#contents
    let seen: AssetData | undefined
    let parsed: T | undefined
    return {
      get value() {
        const data = contents.get(key)
        if (data !== seen) {
          seen = data
          parsed = data === undefined ? undefined : parseOrNot(data, parse)
        }
        return parsed
      },
    }
  }
}

function parseOrNot<T>(data: AssetData, parse: (data: AssetData) => T): T | undefined {
  try {
    return parse(data)
  } catch {
    return undefined
  }
}

function keyOf({ kind, name }: AssetRef): string {
  return `${kind} ${name}`
}
