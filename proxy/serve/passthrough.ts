// How does a TLS connection reach an endpoint unread? Its ClientHello named a host whose routes ask for that.
//
//   connecting (to one endpoint after another, while nothing was sent) ──► tunnel ──► closed
//
// Invariant: not a byte of the connection is changed, and none is sent twice: a try is made again only before the first byte.
// Invariant: whom the allow and deny lists of the route keep out gets no connection to an endpoint.
import type { Socket } from 'node:net'
import { normaliseAddress } from '../../shared/ip-address.ts'
import type { FailureCode } from '../../shared/routing/failure.ts'
import { connectionFacts, type PeerFacts, type RequestFacts } from '../http/forwarded.ts'
import type { OpenConnection } from '../http/stream.ts'
import { Tunnel, type TunnelEnd } from '../http/tunnel.ts'
import type { AcceptedConnection, SocketReader } from '../net/accepted-connection.ts'
import { Linger } from '../net/linger.ts'
import { openSocket } from '../net/open-socket.ts'
import { writeProxyHeader } from '../net/proxy-header.ts'
import type { ProxyHeader } from '../net/proxy-protocol.ts'
import { ReadBuffer } from '../net/read-buffer.ts'
import { socketSide } from '../net/socket-side.ts'
import { add } from '../observe/slots.ts'
import { chooseEndpoint } from '../upstream/choose.ts'
import { chooseAmong, type LiveChoice } from '../upstream/destination.ts'
import type { EndpointPool } from '../upstream/endpoint-pool.ts'
import { noteAnswer, noteNoAnswer } from '../upstream/outcome.ts'
import { RequestLedger } from './ledger.ts'
import type { LiveRoute } from './live-route.ts'
import { ExchangeView, noHead } from './request-view.ts'
import { Retries } from './retries.ts'
import type { WorkerState } from './worker-state.ts'

/** A connection to be passed through. */
export interface PassedConnection {
  readonly accepted: AcceptedConnection
  /** The PROXY header in front of it. */
  readonly header: ProxyHeader | undefined
  /** The host that its ClientHello names. */
  readonly serverName: string
  readonly localPort: number
}

// RFC 8446 §6.2: fatal alerts, which a client understands before anybody has agreed on anything.
const alertHead = [21, 3, 3, 0, 2, 2]
const alerts = { accessDenied: 49, internalError: 80 }

/** Hands a connection to an endpoint of a route, unread. */
export function passThrough(worker: WorkerState, passed: PassedConnection, route: LiveRoute): void {
  new Passthrough(worker, passed, route).start()
}

/** One connection that is passed through. */
class Passthrough implements OpenConnection, SocketReader {
  readonly #worker: WorkerState
  readonly #passed: PassedConnection
  readonly #route: LiveRoute
  readonly #socket: Socket
  readonly #peer: PeerFacts
  readonly #ledger: RequestLedger
  /** What came from the client and waits for the endpoint. */
  #early: Buffer[] = []
  #hasEnded = false
  #choice: LiveChoice | undefined
  readonly #retries: Retries
  #upstream: Socket | undefined
  #deadline = 0
  #tunnel: Tunnel | undefined
  /** Bytes of the tunnel that are in the counters. */
  #countedIn = 0
  #countedOut = 0
  #linger: Linger | undefined
  #isOver = false

  constructor(worker: WorkerState, passed: PassedConnection, route: LiveRoute) {
    this.#worker = worker
    this.#passed = passed
    this.#route = route
    this.#socket = passed.accepted.socket
    this.#peer = peerOf(passed, worker)
    this.#ledger = new RequestLedger(worker, this.#peer.address)
    this.#retries = new Retries(worker)
  }

  /** Begins: connects to an endpoint, or refuses. */
  start(): void {
    const { connections, connectionGauges } = this.#worker
    connections.add(this)
    this.#worker.inFlight += 1
    add(connectionGauges.tls.tunnel, 1)
    add(this.#worker.recorder.passthrough.connections, 1)
    this.#ledger.begin()
    this.#ledger.notePassthrough(this.#passed.serverName)
    this.#ledger.noteRoute(this.#route)
    const socket = this.#socket
    socket.on('end', () => this.#onEnd())
    socket.on('drain', () => this.#tunnel?.clientEnd.onDrain())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#onClose())
    this.#passed.accepted.readBy(this)
    // Nothing more is wanted before there is an endpoint.
    socket.pause()
    this.#retries.begin()
    const refusal = this.#refusal()
    if (refusal === undefined) this.#begin()
    else this.#refuse(refusal, alerts.accessDenied)
  }

  /** Ends what takes too long. Called with each tick of the worker. */
  tick(now: number): void {
    this.#linger?.tick(now)
    this.#countBytes()
    if (this.#tunnel === undefined && now > this.#deadline) this.#upstream?.destroy()
  }

  /** A tunnel is never idle: who passes nothing for too long is cut by its own clock. */
  closeIdle(): void {}

  abort(): void {
    this.#socket.destroy()
  }

  onRead(bytes: Buffer): void {
    if (this.#tunnel !== undefined) this.#tunnel.clientEnd.onData(bytes)
    else if (this.#linger === undefined) this.#early.push(bytes)
    else this.#linger.noteRead(bytes.length)
  }

  isReadInUse(): boolean {
    if (this.#tunnel !== undefined) return this.#tunnel.clientEnd.isReadInUse()
    return this.#linger === undefined
  }

  get isAtRest(): boolean {
    return this.#tunnel === undefined
  }

  /** What the lists of addresses say; of the route's other filters none can see into the tunnel. */
  #refusal(): FailureCode | undefined {
    for (const { filter, step } of this.#route.pipeline?.request ?? []) {
      if (filter !== 'access' || step.kind !== 'sync') continue
      const view = new ExchangeView(this.#worker.random, this.#peer, undefined)
      view.begin(noHead, factsOf(this.#peer))
      if (step.decide(view) !== undefined) return 'access-denied'
    }
    return undefined
  }

  #begin(): void {
    const pool = this.#pick()
    if (pool !== undefined) {
      this.#connect(pool)
      return
    }
    const isMissing = this.#choice?.upstream.isKnown === false
    this.#refuse(isMissing ? 'service-missing' : 'no-endpoints', alerts.internalError)
  }

  #connect(pool: EndpointPool): void {
    const { time } = this.#worker
    this.#deadline = time.now + this.#route.backend.connectMs
    this.#ledger.noteEndpoint(pool.name)
    this.#ledger.noteConnecting()
    const memory = new ReadBuffer()
    const onread = {
      buffer: () => memory.current,
      callback: (count: number, bytes: Uint8Array) => {
        const end = this.#tunnel?.upstreamEnd
        if (memory.hasLent && end?.isReadInUse() === false) memory.takeBack()
        end?.onData(Buffer.from(bytes.buffer, bytes.byteOffset, count))
        memory.advance(count, end?.isReadInUse() ?? false, false)
        return true
      },
    }
    // As it is, whatever the route says of TLS to its endpoints: it is the client who speaks it.
    const { address, port } = pool.endpoint
    const upstream = openSocket({ address, port }, onread, () => this.#onConnected(pool))
    this.#upstream = upstream
    upstream.on('end', () => this.#tunnel?.upstreamEnd.onEnd())
    upstream.on('drain', () => this.#tunnel?.upstreamEnd.onDrain())
    upstream.on('error', () => upstream.destroy())
    upstream.on('close', () => {
      memory.release()
      if (this.#tunnel !== undefined) this.#tunnel.upstreamEnd.onClose()
      else this.#onNotConnected(pool)
    })
  }

  #pick(): EndpointPool | undefined {
    const { destination } = this.#route.backend
    if (destination.only !== undefined) {
      this.#choice = destination.only
      return chooseEndpoint(
        destination.only.upstream,
        destination.pick,
        this.#retries.tried,
        undefined,
      )
    }
    const asked = { clientFields: '', view: undefined }
    const chosen = chooseAmong(destination, this.#choice, this.#retries.tried, asked)
    this.#choice = chosen?.choice
    return chosen?.pool
  }

  #onNotConnected(pool: EndpointPool): void {
    this.#upstream = undefined
    if (this.#isOver) return
    const { recorder, time } = this.#worker
    const code = time.now > this.#deadline ? 'connect-timeout' : 'connect-failed'
    if (this.#choice !== undefined) noteNoAnswer(this.#choice, pool, 0, time)
    add(recorder.upstreamErrors(code), 1)
    const failure = { code, sent: 'nothing', hasAnswered: false } as const
    // Nothing was sent: what would have been is of no matter.
    const mayRetry = this.#retries.mayFollowFailure(failure, 'GET', pool, undefined)
    const next = mayRetry ? this.#pick() : undefined
    if (next !== undefined && this.#retries.spend()) {
      this.#ledger.noteRetry()
      this.#connect(next)
    } else this.#refuse(code, alerts.internalError)
  }

  #onConnected(pool: EndpointPool): void {
    const upstream = this.#upstream
    const { backend } = this.#route.route
    if (upstream === undefined || this.#isOver) return
    this.#ledger.noteConnected()
    if (this.#choice !== undefined)
      noteAnswer(this.#route.backend.destination, this.#choice, pool, 101)
    this.#ledger.noteResponse(101)
    const version = backend.kind === 'forward' ? backend.passthrough?.proxyHeader : undefined
    if (version !== undefined) upstream.write(proxyHeaderOf(this.#passed, this.#peer, version))
    this.#open(upstream, pool)
  }

  #open(upstream: Socket, pool: EndpointPool): void {
    const { time, limits, tunnels } = this.#worker
    pool.active += 1
    const tunnel = new Tunnel(
      socketSide(this.#socket),
      socketSide(upstream),
      time,
      limits.tunnelIdleTimeoutMs,
      () => {
        pool.active -= 1
        tunnels.delete(tunnel)
        this.#countBytes()
        this.#record(tunnel.bytesIn, tunnel.bytesOut)
      },
    )
    tunnels.add(tunnel)
    this.#tunnel = tunnel
    this.#flush(tunnel.clientEnd)
  }

  #flush(end: TunnelEnd): void {
    this.#socket.resume()
    for (const bytes of this.#early.splice(0)) end.onData(bytes)
    if (this.#hasEnded) end.onEnd()
  }

  #onEnd(): void {
    this.#hasEnded = true
    if (this.#linger !== undefined) this.#socket.destroySoon()
    else this.#tunnel?.clientEnd.onEnd()
  }

  #onClose(): void {
    const { connections, connectionGauges } = this.#worker
    connections.delete(this)
    add(connectionGauges.tls.tunnel, -1)
    if (this.#tunnel !== undefined) {
      this.#tunnel.clientEnd.onClose()
      return
    }
    if (this.#isOver) return
    this.#ledger.noteFailure('client-closed', true)
    this.#record(0, 0)
    this.#upstream?.destroy()
  }

  /** Says in TLS that there will be no connection, and closes. */
  #refuse(code: FailureCode, alert: number): void {
    this.#ledger.noteFailure(code, true)
    this.#record(0, 0)
    this.#early = []
    this.#socket.write(Buffer.from([...alertHead, alert]))
    this.#linger = new Linger(this.#socket, this.#worker.time.now)
    this.#socket.resume()
  }

  /** A tunnel may last for days: what went through it is counted as it goes. */
  #countBytes(): void {
    const { bytesIn = 0, bytesOut = 0 } = this.#tunnel ?? {}
    if (bytesIn + bytesOut === this.#countedIn + this.#countedOut) return
    const { passthrough } = this.#worker.recorder
    add(passthrough.in, bytesIn - this.#countedIn)
    add(passthrough.out, bytesOut - this.#countedOut)
    this.#countedIn = bytesIn
    this.#countedOut = bytesOut
  }

  #record(bytesIn: number, bytesOut: number): void {
    this.#isOver = true
    this.#worker.inFlight -= 1
    this.#ledger.record(bytesIn, bytesOut)
  }
}

function peerOf({ accepted, header, localPort }: PassedConnection, worker: WorkerState): PeerFacts {
  const connection = {
    peerAddress: accepted.socket.remoteAddress ?? '',
    localPort,
    isSecure: true,
    proxySource: header?.source,
    proxyDestination: header?.destination,
  }
  return connectionFacts(connection, worker.clientRules)
}

function factsOf({ address }: PeerFacts): RequestFacts {
  return { clientAddress: address, scheme: 'https', requestId: '', lines: '' }
}

/** Says who connected, and where, as the PROXY header in front says it, or else the socket. */
function proxyHeaderOf(
  { accepted: { socket }, header }: PassedConnection,
  { address }: PeerFacts,
  version: 'v1' | 'v2',
): Buffer {
  const { localAddress = '', localPort = 0, remotePort = 0 } = socket
  const own = { address: normaliseAddress(localAddress) ?? localAddress, port: localPort }
  const source = header?.source ?? { address, port: remotePort }
  return writeProxyHeader(version, source, header?.destination ?? own)
}
