// How does a module with filters of one's own get into a thread of the proxy? Both threads load it: one to read what Ingresses
// ask for, the others to serve it.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FilterKind } from '../shared/routing/filters/kind.ts'
import { addFilterKinds, filterKinds } from '../shared/routing/filters/kinds.ts'
import { carefulKind, faultOfKinds } from '../shared/routing/filters/own.ts'

/** Loads the module that `--filters` names, if any, and gives the names of its kinds; rejects with a sentence when it cannot be used. */
export async function loadFilters(file: string | undefined): Promise<readonly string[]> {
  if (file === undefined) return []
  let exported: unknown
  try {
    ;({ filters: exported } = await import(pathToFileURL(resolve(file)).href))
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new Error(`--filters ${file} cannot be loaded: ${cause}`)
  }
  const fault = faultOfKinds(exported, filterKinds)
  if (fault !== undefined) throw new Error(`--filters ${file} cannot be used. ${fault}`)
  const kinds = (exported as readonly FilterKind[]).map(carefulKind)
  addFilterKinds(kinds)
  return kinds.map(({ kind }) => kind)
}
