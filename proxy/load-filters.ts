// How does a module with filters of one's own get into a thread of the proxy? Both threads load it: one to read what Ingresses
// ask for, the others to serve it.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { addFilterKinds, filterKinds } from '../shared/routing/filters/kinds.ts'
import { faultOfKinds } from '../shared/routing/filters/own.ts'

/** Loads the module that `--filters` names, if any; rejects with a sentence when it cannot be used. */
export async function loadFilters(file: string | undefined): Promise<void> {
  if (file === undefined) return
  let exported: unknown
  try {
    ;({ filters: exported } = await import(pathToFileURL(resolve(file)).href))
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new Error(`--filters ${file} cannot be loaded: ${cause}`)
  }
  const fault = faultOfKinds(exported, filterKinds)
  if (fault !== undefined) throw new Error(`--filters ${file} cannot be used. ${fault}`)
  addFilterKinds(exported as Parameters<typeof addFilterKinds>[0])
}
