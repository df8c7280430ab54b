// What does the store do for us? Lua, run in it as one step, so that nodes that ask at the same moment count exactly.
// Each script touches its given keys only, and every key that it writes leaves by itself.

/**
 * GCRA, as shared-counters.ts counts it. KEYS: the budget. ARGV: µs per request, burst. Gives the µs to wait, 0 when one was
 * taken. The time is the store's own: clocks of nodes differ. A budget that has refilled leaves: to be full is to be absent.
 */
const take = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or '0') or 0, now)
local wait = arrival - now - (tonumber(ARGV[2]) - 1) * interval
if wait > 0 then return wait end
local next = arrival + interval
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000))
return 0
`

/** The scripts by name. */
export const storeScripts: Readonly<Record<string, string>> = { take }
