// One data-plane thread: a DataPlane, its counters and its access log, moved by messages of the control thread.
import { randomBytes } from 'node:crypto'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../shared/clock.ts'
import { openCounterTable } from '../shared/shared-counters.ts'
import { loadFilters } from './load-filters.ts'
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts'
import { tickMs } from './net/coarse-time.ts'
import { createAccessLog } from './observe/access-log.ts'
import { createFaultReporter, type FilterFault } from './observe/filter-faults.ts'
import { openPulse, type Pulse } from './observe/pulse.ts'
import { createRecorder } from './observe/recorder.ts'
import { createSlots } from './observe/slot-allocator.ts'
import type { Slots } from './observe/slots.ts'
import { createSpanBuffer } from './observe/span-buffer.ts'
import { createStoreMeter } from './observe/store-meter.ts'
import { createThreadMeter } from './observe/thread-meter.ts'
import { DataPlane } from './serve/data-plane.ts'
import { FilterGuard } from './serve/filter-guard.ts'
import { createHandshakeMeter } from './serve/handshake-meter.ts'
import type { ProxySettings } from './settings.ts'
import type { ValkeyStore } from './store/valkey-store.ts'

async function run(port: MessagePort, start: WorkerStart): Promise<void> {
  const post = (message: FromWorker): void => port.postMessage(message)
  const { settings } = start
  const kinds = await loadFilters(settings.filters)
  const slots = createSlots(post)
  const accessLog =
    settings.accessLog === 'off'
      ? undefined
      : createAccessLog({
          format: settings.accessLog,
          logsQueries: settings.logQueries,
          post,
          slots,
        })
  const meter = createThreadMeter({
    slots,
    place: start.place,
    clock: systemClock,
    tickMs,
    cpuMicros: () => {
      const { user, system } = process.threadCpuUsage()
      return user + system
    },
    busyMs: () => performance.eventLoopUtilization().active,
  })
  const pulse = openPulse(start.pulse)
  const onFault = createFaultReporter({ slots, kinds, clock: systemClock, post })
  const guard = kinds.length === 0 ? undefined : createGuard(kinds, pulse, onFault)
  const recorder = createRecorder({
    slots,
    accessLog,
    isLikeNginx: settings.metricsLike !== undefined,
  })
  const spans = createSpanBuffer(slots, post)
  const store = await openStore(settings, slots, post)
  const dataPlane = new DataPlane({
    settings,
    clock: systemClock,
    random: Math.random,
    randomBytes,
    recorder,
    store,
    handshakes: createHandshakeMeter(slots),
    onKeyWanted: (ref) => post({ kind: 'key-wanted', ref }),
    shared: openCounterTable({ memory: start.counters, nowMicros: processMicros() }),
    guard,
    onFilterFault: onFault,
    onRules: ({ log = {} }) => accessLog?.follow(log),
    onSpan: (span) => spans.add(span),
    onTick: () => {
      pulse.beat()
      meter.tick()
      accessLog?.flush()
      spans.flush()
    },
  })

  async function obey(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case 'delta':
        dataPlane.apply(message.delta)
        post({ kind: 'applied', version: message.delta.version })
        return
      case 'asset':
        dataPlane.setAsset(message.ref, message.data)
        return
      case 'ticket-keys':
        dataPlane.setTicketKeys(message.keys)
        return
      case 'certificate':
        dataPlane.setCertificate(message.name, message.data)
        return
      case 'key':
        dataPlane.setKey(message.ref, message)
        return
      case 'drain':
        dataPlane.drain()
        return
      case 'memory':
        dataPlane.setRefusing(message.isTooHigh)
        return
      case 'closed-filters':
        guard?.setClosed(message.filters, message.uncompiled)
        return
      case 'count-in-flight':
        post({ kind: 'in-flight', count: dataPlane.inFlight })
        return
      case 'forget-series':
        recorder.forget(message.routes)
        post({ kind: 'series-forgotten', routes: message.routes })
        return
      case 'finish':
        await dataPlane.finish(message.boundMs)
        accessLog?.flush()
        spans.flush()
        store?.close()
        post({ kind: 'finished' })
        port.close()
        return
    }
  }

  // From here on it may be kept busy by what it is told.
  pulse.beat()
  port.on('message', (message: ToWorker) => void obey(message))
  try {
    const { port, tlsPort, isPortShared } = start
    const ports = await dataPlane.listen(port, tlsPort, isPortShared)
    post({ kind: 'listening', ...ports })
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException & { port?: number }
    const { code = 'unknown', message, port: refused = start.port } = error
    store?.close()
    post({ kind: 'listen-failed', code, message, port: refused })
    port.close()
  }
}

/** Runs filters of one's own; what they throw when nobody is there to catch it does not end the worker. */
function createGuard(
  kinds: readonly string[],
  pulse: Pulse,
  onFault: (fault: FilterFault) => void,
): FilterGuard {
  const guard = new FilterGuard({ kinds, pulse, now: () => performance.now(), onFault })
  process.on('uncaughtException', (error) => {
    if (!guard.takeUncaught(error)) throw error
  })
  return guard
}

/** Connects to the store that all nodes share, if there is one; its client is loaded only then. */
async function openStore(
  { valkey, valkeyPassword }: ProxySettings,
  slots: Slots,
  post: (message: FromWorker) => void,
): Promise<ValkeyStore | undefined> {
  if (valkey === undefined) return undefined
  const { createValkeyStore } = await import('./store/valkey-store.ts')
  return createValkeyStore({
    url: valkey,
    password: valkeyPassword,
    clock: systemClock,
    random: Math.random,
    onCall: createStoreMeter(slots),
    onChange: (isUp, why) => post({ kind: 'store-changed', isUp, why }),
  })
}

/** `performance.now()` begins with each thread; this is one time for all threads of the process. */
function processMicros(): () => number {
  const offset = Number(process.hrtime.bigint()) / 1000 - performance.now() * 1000
  return () => performance.now() * 1000 + offset
}

if (parentPort !== null) await run(parentPort, workerData as WorkerStart)
