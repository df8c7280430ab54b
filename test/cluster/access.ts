import type { Suite } from './stage.ts'

export const accessSuite: Suite = { name: 'access', run: async () => undefined }
