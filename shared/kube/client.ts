// Every call that Weir makes to the API server, typed by resource, over one keep-alive pool.
//
// Invariant: no call rejects; what went wrong is a value (KubeError) that says status and reason.
import type { Clock } from '../clock.ts'
import type { KubeConfig } from './auth.ts'
import type { KubeError, KubeResult } from './error.ts'
import { invalidBody } from './error.ts'
import { type KubeList, type ListOptions, listAll } from './list.ts'
import type { KubeObject } from './objects.ts'
import { readObject } from './read-object.ts'
import { type KubeResource, resourcePath } from './resources.ts'
import { createTransport, type KubeRequest } from './transport.ts'
import { runWatch, type WatchHandlers, type WatchOptions } from './watch.ts'

/** Names one object; cluster-wide kinds have no namespace. */
export interface ObjectTarget {
  readonly namespace?: string
  readonly name: string
}

/** How a patch is merged: `merge` (RFC 7396) replaces lists, `strategic` merges those that have a merge key. */
export type PatchKind = 'merge' | 'strategic' | 'json'

export interface CallOptions {
  readonly signal?: AbortSignal
  /** For the whole call; 30 s by default. */
  readonly timeoutMs?: number
}

export interface WriteOptions extends CallOptions {
  /** Changes only that part of the object. */
  readonly subresource?: 'status'
  /** Who writes, for `metadata.managedFields`; the first part of the user agent when absent. At most 128 characters. */
  readonly fieldManager?: string
}

export interface DeleteOptions extends CallOptions {
  /** Deletes only the object with this uid (409 otherwise). */
  readonly uid?: string
  readonly resourceVersion?: string
}

export interface KubeClient {
  /** The namespace to use where none is named. */
  readonly namespace: string
  /** Any call, for what has no method here. */
  request(request: KubeRequest): Promise<KubeResult<unknown>>
  /** All objects of a selection, or an error: never a part. */
  list<T extends KubeObject>(
    resource: KubeResource<T>,
    options?: ListOptions,
  ): Promise<KubeResult<KubeList<T>>>
  /** Resolves when the watch has ended: undefined when the server ended it in order. */
  watch<T extends KubeObject>(
    resource: KubeResource<T>,
    options: WatchOptions,
    handlers: WatchHandlers<T>,
  ): Promise<KubeError | undefined>
  get<T extends KubeObject>(
    resource: KubeResource<T>,
    target: ObjectTarget,
    options?: CallOptions,
  ): Promise<KubeResult<T>>
  /** Creates the object that `object.metadata` names; `AlreadyExists` (409) when it is there. */
  create<T extends KubeObject>(
    resource: KubeResource<T>,
    object: T,
    options?: CallOptions,
  ): Promise<KubeResult<T>>
  /** Replaces an object; `Conflict` (409) when its resourceVersion is not the newest. */
  update<T extends KubeObject>(
    resource: KubeResource<T>,
    object: T,
    options?: WriteOptions,
  ): Promise<KubeResult<T>>
  patch<T extends KubeObject>(
    resource: KubeResource<T>,
    target: ObjectTarget,
    patch: unknown,
    options?: WriteOptions & { readonly kind?: PatchKind },
  ): Promise<KubeResult<T>>
  delete(
    resource: KubeResource,
    target: ObjectTarget,
    options?: DeleteOptions,
  ): Promise<KubeResult<unknown>>
  /** Cuts all calls and watches. */
  close(): Promise<void>
}

export interface KubeClientOptions {
  readonly clock: Clock
  /** Shown in the API server's audit log, such as `weir-proxy/0.1.0`. */
  readonly userAgent?: string
}

const patchTypes: Readonly<Record<PatchKind, string>> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
}

/** Opens a client; it connects when it is first used. */
export function createKubeClient(config: KubeConfig, options: KubeClientOptions): KubeClient {
  const transport = createTransport(config, options.clock, options.userAgent ?? 'weir')

  async function one<T extends KubeObject>(
    resource: KubeResource<T>,
    request: KubeRequest,
  ): Promise<KubeResult<T>> {
    const answer = await transport.send(request)
    if (!answer.ok) return answer
    const object = readObject(answer.body, resource)
    return object === undefined
      ? { ok: false, error: invalidBody(answer.status, 'the answer is no object') }
      : { ok: true, status: answer.status, body: object }
  }

  return {
    namespace: config.namespace,
    request: (request) => transport.send(request),
    list: (resource, listOptions = {}) => listAll(transport, resource, listOptions),
    watch: (resource, watchOptions, handlers) =>
      runWatch(transport, resource, watchOptions, handlers),
    get: (resource, target, call = {}) =>
      one(resource, { method: 'GET', path: resourcePath(resource, target), ...limits(call) }),
    create: (resource, object, call = {}) =>
      one(resource, {
        method: 'POST',
        path: resourcePath(resource, namespaceOf(object)),
        body: typed(resource, object),
        ...limits(call),
      }),
    update: (resource, object, call = {}) =>
      one(resource, {
        method: 'PUT',
        path: resourcePath(resource, {
          ...namespaceOf(object),
          name: object.metadata?.name ?? '',
          ...subresourceOf(call),
        }),
        body: typed(resource, object),
        query: { fieldManager: call.fieldManager },
        ...limits(call),
      }),
    patch: (resource, target, patch, call = {}) =>
      one(resource, {
        method: 'PATCH',
        path: resourcePath(resource, { ...target, ...subresourceOf(call) }),
        body: patch,
        contentType: patchTypes[call.kind ?? 'merge'],
        query: { fieldManager: call.fieldManager },
        ...limits(call),
      }),
    delete(resource, target, call = {}) {
      const { uid, resourceVersion } = call
      return transport.send({
        method: 'DELETE',
        path: resourcePath(resource, target),
        body: {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          preconditions: {
            ...(uid === undefined ? {} : { uid }),
            ...(resourceVersion === undefined ? {} : { resourceVersion }),
          },
        },
        ...limits(call),
      })
    },
    close: () => transport.close(),
  }
}

function limits({ signal, timeoutMs }: CallOptions): Pick<KubeRequest, 'signal' | 'timeoutMs'> {
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  }
}

function namespaceOf(object: KubeObject): { readonly namespace?: string } {
  const namespace = object.metadata?.namespace
  return namespace === undefined ? {} : { namespace }
}

function subresourceOf(call: WriteOptions): { readonly subresource?: string } {
  return call.subresource === undefined ? {} : { subresource: call.subresource }
}

function typed(resource: KubeResource, object: KubeObject): KubeObject {
  return { ...object, apiVersion: resource.apiVersion, kind: resource.kind }
}
