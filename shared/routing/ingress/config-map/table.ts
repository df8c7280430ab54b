// Which keys of ingress-nginx's ConfigMap does Weir know? Rows are applied in this order, so that later ones may build on earlier ones.
import { proxyingRows } from './proxying.ts'
import type { ConfigMapRow } from './row.ts'

export const configMapRows: readonly ConfigMapRow[] = [...proxyingRows]
