// ServiceAccounts of the cluster test: their tokens, their roles, and the folder that the kubelet would mount.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRecord } from '../../shared/kube/error.ts'
import type { KubeObject } from '../../shared/kube/objects.ts'
import type { Admin } from './admin.ts'

/** A token, and what ends it. */
export interface Token {
  readonly token: string
  /** Name of the Secret that it is bound to: without that it is worth nothing. */
  readonly secret: string
}

/** One ServiceAccount. */
export interface Account {
  readonly namespace: string
  readonly name: string
  /** `system:serviceaccount:NAMESPACE:NAME`. */
  readonly user: string
  /** A new token of 10 minutes, the shortest that the API server issues. */
  issue(): Promise<Token>
  /** Makes a token worthless; the API server notices within 10 s. */
  revoke(token: Token): Promise<void>
}

/** What a role allows. */
export interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

/** Creates the account, or uses the one that is there. */
export async function createAccount(
  admin: Admin,
  namespace: string,
  name: string,
): Promise<Account> {
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } }
  await admin.applyAll([account])
  let serial = 0
  return {
    namespace,
    name,
    user: `system:serviceaccount:${namespace}:${name}`,
    async issue() {
      serial += 1
      const metadata = { namespace, name: `${name}-token-${serial}` }
      const bound: KubeObject = { apiVersion: 'v1', kind: 'Secret', metadata }
      const [secret] = await admin.applyAll([bound])
      const reference = { apiVersion: 'v1', kind: 'Secret', name: metadata.name }
      const answer = await admin.client.request({
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: {
            expirationSeconds: 600,
            boundObjectRef: { ...reference, uid: secret?.metadata?.uid },
          },
        },
      })
      const status = answer.ok && isRecord(answer.body) ? answer.body.status : undefined
      const token = isRecord(status) ? status.token : undefined
      if (typeof token !== 'string') throw new Error(`no token: ${JSON.stringify(answer)}`)
      return { token, secret: metadata.name }
    },
    revoke: ({ secret }) =>
      admin.remove({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name: secret } }),
  }
}

/** A Role of `rules` for the account of the same name. */
export function roleBinding(namespace: string, name: string, rules: readonly Rule[]): KubeObject[] {
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  const metadata = { namespace, name }
  const role = { apiVersion, kind: 'Role', metadata, rules }
  const binding = {
    apiVersion,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', namespace, name }],
  }
  return [role, binding]
}

const mount = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Writes what the kubelet keeps in a pod; a file is replaced whole. */
export function mountToken(namespace: string, { token }: Token, ca: string): void {
  mkdirSync(mount, { recursive: true })
  const files = { namespace, 'ca.crt': ca, token }
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(mount, `.${name}`), text)
    renameSync(join(mount, `.${name}`), join(mount, name))
  }
}
