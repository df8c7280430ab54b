// Where the hostile cases lie.

/** The data of the hostile suite. */
export const caseFile = new URL('../cases/http1-hostile.json', import.meta.url)
