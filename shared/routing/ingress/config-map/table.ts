// Which keys of ingress-nginx's ConfigMap does Weir know? Rows are applied in this order, so that later ones may build on earlier ones.
import { authKeys } from './auth.ts'
import { balancingRows } from './balancing.ts'
import { bufferRows } from './buffers.ts'
import { clientRows } from './clients.ts'
import { compressionRows } from './compression.ts'
import { errorRows } from './errors.ts'
import { headerRows } from './headers.ts'
import { limitRows } from './limits.ts'
import { logRows } from './logs.ts'
import { permissionRows } from './permissions.ts'
import { proxyingRows } from './proxying.ts'
import { redirectRows } from './redirects.ts'
import type { ConfigMapRow } from './row.ts'
import { traceKeys } from './traces.ts'
import { unsupportedRows } from './unsupported.ts'

export const configMapRows: readonly ConfigMapRow[] = [
  ...authKeys,
  ...proxyingRows,
  ...balancingRows,
  ...redirectRows,
  ...clientRows,
  ...bufferRows,
  ...compressionRows,
  ...limitRows,
  ...headerRows,
  ...traceKeys,
  ...logRows,
  ...unsupportedRows,
  ...errorRows,
  ...permissionRows,
]
