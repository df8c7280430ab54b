// Whom do block-user-agents and block-referers turn away?
import t from 'tap'
import { blockedClientsKind } from './blocked-clients.ts'
import type { CompileContext, RequestView } from './kind.ts'

const cases: readonly {
  readonly agents?: readonly string[]
  readonly referers?: readonly string[]
  readonly fields: Readonly<Record<string, string>>
  readonly isBlocked: boolean
  readonly why: string
}[] = [
  { agents: ['AlphaBot'], fields: { 'user-agent': 'alphabot' }, isBlocked: true, why: 'any case' },
  { agents: ['AlphaBot'], fields: { 'user-agent': 'AlphaBot/2' }, isBlocked: false, why: 'a part' },
  { agents: ['AlphaBot'], fields: {}, isBlocked: false, why: 'no such field' },
  {
    agents: ['~*chrome\\/68\\.0\\ x'],
    fields: { 'user-agent': 'a Chrome/68.0 X' },
    isBlocked: true,
    why: 'a pattern without case, escaped as in nginx',
  },
  {
    agents: ['~Chrome'],
    fields: { 'user-agent': 'chrome' },
    isBlocked: false,
    why: 'a pattern with case',
  },
  {
    referers: ['~*example\\.com'],
    fields: { referer: 'http://EXAMPLE.com/x' },
    isBlocked: true,
    why: 'a referer',
  },
  {
    referers: ['qwerty'],
    fields: { 'user-agent': 'qwerty' },
    isBlocked: false,
    why: 'the other field',
  },
]

for (const { agents = [], referers = [], fields, isBlocked, why } of cases) {
  t.test(why, async (t) => {
    const filter = { kind: 'blocked-clients', userAgents: agents, referers } as const
    t.equal(blockedClientsKind.fault(filter), undefined)
    const { request } = blockedClientsKind.compile(filter, {} as CompileContext)
    const view = { field: (name: string) => fields[name] } as RequestView
    const verdict = request?.kind === 'sync' ? request.decide(view) : 'no step'
    t.equal(verdict, isBlocked ? 'access-denied' : undefined)
  })
}

t.test('a pattern that RE2 does not know is a fault', async (t) => {
  t.type(blockedClientsKind.fault({ kind: 'blocked-clients', userAgents: ['~(?=x)'] }), 'string')
})
