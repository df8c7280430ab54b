// Which collector gets spans, and what is said and counted when it takes none?
import t from 'tap'
import { createLog } from '../../shared/log.ts'
import { span } from '../observe/testing/span.ts'
import {
  SpanExport,
  type SpanReport,
  type SpanSettings,
  type SpanTarget,
  spanTarget,
} from './span-export.ts'

const off: SpanSettings = { otlpEndpoint: undefined, traceService: 'weir' }
const on: SpanSettings = { otlpEndpoint: 'https://otel.test/base', traceService: 'edge' }

const targets: readonly {
  readonly settings: SpanSettings
  readonly rules?: Parameters<typeof spanTarget>[2]
  readonly is: Partial<SpanTarget> | undefined
  readonly why: string
}[] = [
  { settings: off, is: undefined, why: 'nobody is named' },
  { settings: off, rules: { port: 4318, maxQueue: 1 }, is: undefined, why: 'a port is nobody' },
  {
    settings: on,
    is: { endpoint: 'https://otel.test/base', serviceName: 'edge', maxQueue: 2048, delayMs: 5000 },
    why: 'the option',
  },
  {
    settings: on,
    rules: { host: 'otel.svc', serviceName: 'nginx', maxBatch: 7 },
    is: { endpoint: 'http://otel.svc:4318', serviceName: 'nginx', maxBatch: 7 },
    why: 'the ConfigMap is stronger',
  },
  {
    settings: off,
    rules: { host: 'fd00::1', port: 80 },
    is: { endpoint: 'http://[fd00::1]:80' },
    why: 'an address of IPv6',
  },
]

for (const { settings, rules, is, why } of targets) {
  t.test(why, async (t) => {
    t.match(spanTarget(settings, '1', rules), is)
  })
}

/** An export whose exporters note what they are asked. */
function stage(load?: () => Promise<never>) {
  const lines: string[] = []
  const opened: { readonly target: SpanTarget; readonly report: SpanReport }[] = []
  const seen: string[] = []
  const counted = { exported: 0, queue: 0, export: 0 }
  const spans = new SpanExport({
    log: createLog({ level: 'info', stream: { write: (line) => void lines.push(line) } }),
    load:
      load ??
      (async () => (target, report) => {
        opened.push({ target, report })
        return {
          add: (given) => void seen.push(`${given.length} to ${target.endpoint}`),
          stop: async () => void seen.push(`stop ${target.endpoint}`),
        }
      }),
    countExported: (count) => {
      counted.exported += count
    },
    countDropped: (count, reason) => {
      counted[reason] += count
    },
  })
  return { spans, lines, opened, seen, counted }
}

t.test('one collector after the other', async (t) => {
  const { spans, opened, seen, counted } = stage()
  spans.add([span])
  t.equal(counted.export, 1, 'there is none yet')
  const first = spanTarget(on, '1')
  await Promise.all([spans.setTarget(first), spans.setTarget(first)])
  t.equal(opened.length, 1, 'the same one is not opened twice')
  spans.add([span, span])
  await spans.setTarget(spanTarget(on, '1', { host: 'other.test' }))
  spans.add([span])
  await spans.setTarget(undefined)
  spans.add([span])
  t.strictSame(seen, [
    '2 to https://otel.test/base',
    'stop https://otel.test/base',
    '1 to http://other.test:4318',
    'stop http://other.test:4318',
  ])
  t.equal(counted.export, 2)
})

t.test('one that is replaced while it is loaded is not used', async (t) => {
  const { spans, opened } = stage()
  await Promise.all([
    spans.setTarget(spanTarget(on, '1')),
    spans.setTarget(spanTarget(on, '1', { host: 'other.test' })),
  ])
  t.match(opened, [{ target: { endpoint: 'http://other.test:4318' } }])
  const { spans: leaving, opened: late } = stage()
  await Promise.all([leaving.setTarget(spanTarget(on, '1')), leaving.stop()])
  t.equal(late.length, 0)
})

t.test('a collector that takes nothing is told of once, and so is its return', async (t) => {
  const { spans, lines, opened, counted } = stage()
  await spans.setTarget(spanTarget(on, '1'))
  const report = opened[0]?.report
  report?.onDropped(3, 'queue', '')
  report?.onDropped(5, 'export', 'connect ECONNREFUSED')
  report?.onDropped(5, 'export', 'connect ECONNREFUSED')
  report?.onExported(2)
  report?.onExported(2)
  t.strictSame(counted, { exported: 4, queue: 3, export: 10 })
  const said = (text: string) => lines.filter((line) => line.includes(text)).length
  t.equal(said('takes no spans'), 1)
  t.equal(said('ECONNREFUSED'), 1)
  t.equal(said('takes spans again'), 1)
})

t.test('an SDK that cannot be loaded costs spans only', async (t) => {
  const { spans, lines, counted } = stage(async () => {
    throw new Error('no such module')
  })
  await spans.setTarget(spanTarget(on, '1'))
  spans.add([span])
  t.equal(counted.export, 1)
  t.match(lines.join(''), /spans cannot be exported/)
})
