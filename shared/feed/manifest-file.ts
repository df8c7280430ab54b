// One manifest file over time: what it holds now, and what it held when it was last in order.
//
// Invariant: a text that is broken never takes away what an earlier text gave.
// Invariant: an object that a new text holds unchanged keeps its reference.
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../kube/objects.ts'
import { type KubeResource, objectKey } from '../kube/resources.ts'
import type { Problem } from '../problem.ts'
import { readManifest, unreadable } from './manifest-files.ts'
import type { UnreadKind } from './unread-kinds.ts'

/** A file as it was read last. */
export interface ManifestFile {
  readonly path: string
  /** Of the file when it was read; see FoundFile. */
  readonly stamp: string
  /** Of the text, to see that a touched file is the same. */
  readonly digest: string
  readonly objects: readonly KubeObject[]
  readonly problems: readonly Problem[]
  readonly unread: readonly UnreadKind[]
  /** False until a text without errors was read. */
  readonly isGood: boolean
}

/** Takes a new text of the file; gives `before` with a new stamp when the text is the same. */
export function takeText(
  before: ManifestFile | undefined,
  path: string,
  stamp: string,
  text: string,
  resources: readonly KubeResource[],
): ManifestFile {
  const digest = createHash('sha256').update(text).digest('base64')
  if (before !== undefined && before.digest === digest) return { ...before, stamp }
  const { objects, problems, errors, unread } = readManifest(path, text, resources)
  const isGood = errors.length === 0
  // What it held when it was last in order; if it never was, what could be read is better than nothing.
  if (!isGood && before?.isGood === true) return { ...before, stamp, digest, problems: errors }
  return {
    path,
    stamp,
    digest,
    objects: keepSame(before, objects),
    problems: [...problems, ...errors],
    unread,
    isGood,
  }
}

/** Takes note that the file is there and cannot be read; its objects stay. */
export function takeFailure(
  before: ManifestFile | undefined,
  path: string,
  why: string,
): ManifestFile {
  const problem = unreadable(path, '', why, 'Let the proxy read it; its last good objects stay.')
  // Without a stamp it is tried again at every look.
  return {
    path,
    stamp: '',
    digest: '',
    objects: before?.objects ?? [],
    problems: [problem],
    unread: before?.unread ?? [],
    isGood: before?.isGood ?? false,
  }
}

function keepSame(
  before: ManifestFile | undefined,
  objects: readonly KubeObject[],
): readonly KubeObject[] {
  if (before === undefined || before.objects.length === 0) return objects
  const known = new Map(before.objects.map((object) => [identity(object), object]))
  return objects.map((object) => {
    const same = known.get(identity(object))
    return same !== undefined && isDeepStrictEqual(same, object) ? same : object
  })
}

/** What an object is among all objects of all files. */
export function identity(object: KubeObject): string {
  return `${object.kind} ${objectKey(object)}`
}
