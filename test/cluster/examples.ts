import type { Suite } from './stage.ts'

export const examplesSuite: Suite = { name: 'examples', run: async () => undefined }
