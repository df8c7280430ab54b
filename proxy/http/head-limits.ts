// How large may a head be, in every version of HTTP?
/** Bounds of a head. Sizes are bytes. */
export interface HeadLimits {
  readonly maxLineBytes: number
  readonly maxHeadBytes: number
  readonly maxFields: number
  /** Fields with an underscore in their name are left out. */
  readonly dropsUnderscores?: boolean
}
