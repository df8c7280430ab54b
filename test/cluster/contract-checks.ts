// What Weir may rely on in an API server: one script that the real one and the one for tests (shared/testing) both pass.
// A difference that matters is added here first; then the test server is mended until it passes.
import type { ContractCheck } from './contract-kit.ts'
import { readChecks } from './contract-reads.ts'
import { writeChecks } from './contract-writes.ts'

/** All that is relied on. */
export const contractChecks: readonly ContractCheck[] = [...writeChecks, ...readChecks]
