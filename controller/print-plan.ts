// What a dry run prints: the plan as a table for people and as JSON for programs.
import type { Observation } from './observe.ts'
import type { Action, Plan } from './world.ts'

interface Row {
  readonly action: string
  readonly group: string
  readonly subject: string
  readonly reason: string
}

/** Writes a plan as aligned columns, problems first; says so when there is nothing to do. */
export function planTable(
  plan: Plan,
  observation: Pick<Observation, 'problems' | 'unplaced'>,
): string {
  const rows = planRows(plan)
  const problems = [
    ...[...observation.problems].flatMap(([name, problem]) =>
      problem === '' ? [] : [`problem: ${name}: ${problem}`],
    ),
    ...observation.unplaced.map(
      ({ proxy, reason }) => `problem: pod ${proxy.pod.namespace}/${proxy.pod.name}: ${reason}`,
    ),
  ]
  const lines = rows.length === 0 ? ['nothing to change'] : tableLines(rows)
  return `${[...problems, ...lines].join('\n')}\n`
}

/** Writes a plan as one JSON document. */
export function planJson(
  plan: Plan,
  observation: Pick<Observation, 'problems' | 'unplaced'>,
): string {
  const problems = Object.fromEntries(
    [...observation.problems].filter(([, problem]) => problem !== ''),
  )
  return `${JSON.stringify({ rows: planRows(plan), problems }, undefined, 2)}\n`
}

function planRows(plan: Plan): Row[] {
  const rows = plan.actions.flatMap(actionRows)
  const held = plan.held.map(({ group, target, message, override }) => ({
    action: 'held',
    group: group.name,
    subject: target.key,
    reason: override === '' ? message : `${message}; to override: ${override}`,
  }))
  return [...rows, ...held]
}

function actionRows(action: Action): Row[] {
  switch (action.kind) {
    case 'claim':
    case 'release':
      return action.keys.map((subject) => ({
        action: action.kind,
        group: action.group.name,
        subject,
        reason: 'ownership record',
      }))
    case 'register':
      return action.targets.map(({ target, reason }) => ({
        action: 'register',
        group: action.group.name,
        subject: target.key,
        reason: `${reason} (${target.pod.namespace}/${target.pod.name})`,
      }))
    case 'deregister':
      return action.targets.map(({ target, reason }) => ({
        action: 'deregister',
        group: action.group.name,
        subject: target.key,
        reason: `${reason}, AWS: ${target.state}`,
      }))
    case 'open-gate':
    case 'skip-gate':
      return [objectRow(action.kind, action.pod, action.reason)]
    case 'show-hostnames':
      return [objectRow('show-hostnames', action.ingress, action.hostnames.join(', '))]
    case 'show-on-route-group':
      return [objectRow(action.kind, action.routeGroup, action.hostnames.join(', '))]
    case 'withdraw-hostnames':
      return [objectRow(action.kind, action.left.ingress, action.left.hostnames.join(', '))]
  }
}

function objectRow(
  action: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  reason: string,
): Row {
  return { action, group: '-', subject: `${namespace}/${name}`, reason }
}

function tableLines(rows: readonly Row[]): string[] {
  const header: Row = { action: 'ACTION', group: 'GROUP', subject: 'TARGET', reason: 'REASON' }
  const all = [header, ...rows]
  const width = (column: keyof Row): number => Math.max(...all.map((row) => row[column].length))
  const [action, group, subject] = [width('action'), width('group'), width('subject')]
  return all.map((row) =>
    [
      row.action.padEnd(action),
      row.group.padEnd(group),
      row.subject.padEnd(subject),
      row.reason,
    ].join('  '),
  )
}
