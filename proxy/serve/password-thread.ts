// Who checks passwords without holding up requests? One thread per worker, started when the first password comes.
//
// Invariant: a question that cannot be answered is answered with no.
// Invariant: a question that nobody waits for any more keeps its place until the thread is through with it: clients that go
// away cannot pile up work.
import { Worker } from 'node:worker_threads'
import type { PasswordAnswer, PasswordQuestion } from '../../shared/password-hash.ts'
import type { Cancel } from '../../shared/routing/filters/kind.ts'

const workerFile = import.meta.url.endsWith('.ts')
  ? '../password-worker.ts'
  : './password-worker.js'
// A flood of wrong passwords must not pile up: who comes then is refused.
const maxWaiting = 100
const ignore = () => {}

/** Checks passwords in a thread of its own. */
export class PasswordThread {
  #thread: Worker | undefined
  #nextId = 0
  readonly #waiting = new Map<number, (fits: boolean) => void>()

  /** Calls `onResult` later with whether the password fits the hash; undefined when there are too many questions. */
  verify(hash: string, password: string, onResult: (fits: boolean | undefined) => void): Cancel {
    if (this.#waiting.size >= maxWaiting) {
      onResult(undefined)
      return () => {}
    }
    const id = this.#nextId
    this.#nextId += 1
    this.#waiting.set(id, onResult)
    const question: PasswordQuestion = { id, hash, password }
    this.#start().postMessage(question)
    return () => {
      if (this.#waiting.has(id)) this.#waiting.set(id, ignore)
    }
  }

  /** Ends the thread. */
  async stop(): Promise<void> {
    await this.#thread?.terminate()
  }

  #start(): Worker {
    if (this.#thread !== undefined) return this.#thread
    const thread = new Worker(new URL(workerFile, import.meta.url))
    thread.unref()
    thread.on('message', ({ id, fits }: PasswordAnswer) => {
      const answer = this.#waiting.get(id)
      this.#waiting.delete(id)
      answer?.(fits)
    })
    // It is started again with the next question.
    thread.on('exit', () => {
      this.#thread = undefined
      const left = [...this.#waiting.values()]
      this.#waiting.clear()
      for (const answer of left) answer(false)
    })
    thread.on('error', () => {})
    this.#thread = thread
    return thread
  }
}
