// The permissions that the chart ships, given to the ServiceAccount that it ships.
import { combinationFiles, renderChart } from '../../deploy/render-chart.ts'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { parseObjects } from '../chart/combinations.ts'
import { findTool } from '../chart/tools.ts'
import { type Account, createAccount, mountToken, type Rule, type Token } from './accounts.ts'
import { permission } from './audit.ts'
import type { Stage } from './stage.ts'

/** The namespace that the chart is installed in. */
export const chartNamespace = 'edge'

/** An installed combination of values. */
export interface Installed {
  readonly account: Account
  /** The token that is mounted. */
  readonly token: Token
  readonly objects: readonly KubeObject[]
  /** The permissions of roles whose name ends with `-NAME`, as the audit log names them. */
  permissionsOf(name: string): string[]
  /** Mounts another token in the place of the present one. */
  rotate(): Promise<Token>
}

const accessKinds = ['ServiceAccount', 'Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding']

/** Renders a combination of deploy/chart/ci with helm. */
export function renderCombination(name: string, sets: readonly string[] = []): KubeObject[] {
  const helm = findTool('helm')
  const file = combinationFiles().get(name)
  if (helm === undefined || file === undefined) throw new Error(`no helm, or no ci/${name}.yaml`)
  const rendered = renderChart({
    helm,
    namespace: chartNamespace,
    valueFiles: [file],
    sets,
    noHooks: true,
  })
  if (!rendered.ok) throw new Error(rendered.error)
  return parseObjects(rendered.manifests)
}

/** Applies the account and the roles of a combination, and mounts a token of the account. */
export async function installAccess(
  { admin, servers }: Stage,
  name: string,
  sets: readonly string[] = [],
): Promise<Installed> {
  const objects = renderCombination(name, sets)
  const access = objects.filter(({ kind = '' }) => accessKinds.includes(kind))
  await admin.createNamespaces([chartNamespace])
  await admin.applyAll(access)
  const accountName = access.find(({ kind }) => kind === 'ServiceAccount')?.metadata?.name
  if (accountName === undefined) throw new Error(`ci/${name}.yaml makes no ServiceAccount`)
  const account = await createAccount(admin, chartNamespace, accountName)
  const mount = async () => {
    const token = await account.issue()
    mountToken(chartNamespace, token, servers.ca())
    return token
  }
  return {
    account,
    token: await mount(),
    objects,
    rotate: mount,
    permissionsOf: (suffix) =>
      access
        .filter(({ metadata }) => metadata?.name?.endsWith(`-${suffix}`))
        .flatMap(rulesOf)
        .flatMap(permissionsIn)
        .sort(),
  }
}

/** Takes the roles away again. */
export async function removeAccess({ admin }: Stage, { objects }: Installed): Promise<void> {
  for (const object of objects) {
    if (accessKinds.includes(object.kind ?? '')) await admin.remove(object)
  }
}

function rulesOf(object: KubeObject): readonly Rule[] {
  // The API server has accepted it as a role.
  return (object as { readonly rules?: readonly Rule[] }).rules ?? []
}

function permissionsIn({ apiGroups, resources, verbs }: Rule): string[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) => verbs.map((verb) => permission(verb, group, resource))),
  )
}
