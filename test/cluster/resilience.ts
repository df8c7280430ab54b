import type { Suite } from './stage.ts'

export const resilienceSuite: Suite = { name: 'resilience', run: async () => undefined }
