// Which operations of ELBv2 the controller calls: for each its rate family and the IAM permission it needs.
// Invariant: nothing else is called; deploy/iam/target-group.json holds exactly these (a test compares them).

/** How AWS limits an operation; each family has a token bucket of its own. */
export type RateFamily = 'describe' | 'change'

interface OperationRow {
  readonly family: RateFamily
  /** What an IAM statement can narrow it to: describing knows no resource. */
  readonly resource: '*' | 'target-group'
}

const rows = {
  DescribeTargetGroups: { family: 'describe', resource: '*' },
  DescribeTargetGroupAttributes: { family: 'describe', resource: '*' },
  DescribeTargetHealth: { family: 'describe', resource: '*' },
  DescribeLoadBalancers: { family: 'describe', resource: '*' },
  RegisterTargets: { family: 'change', resource: 'target-group' },
  DeregisterTargets: { family: 'change', resource: 'target-group' },
} as const satisfies Record<string, OperationRow>

/** Name of an operation, as AWS, metrics and logs call it. */
export type Operation = keyof typeof rows

/** The table of operations. */
export const operations: Readonly<Record<Operation, OperationRow>> = rows

/** Names the IAM action of an operation. */
export function iamAction(operation: Operation): string {
  return `elasticloadbalancing:${operation}`
}
