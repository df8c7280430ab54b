// Which systems' defaults can `--like` set?

export const likeNames = ['ingress-nginx', 'skipper'] as const

export type Like = (typeof likeNames)[number]
