// Which systems' defaults can `--like` set?

export const likeNames = ['ingress-nginx'] as const

export type Like = (typeof likeNames)[number]
