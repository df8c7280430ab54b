// Does a password fit its hash? A thread of its own: bcrypt takes a tenth of a second on purpose, and nobody else may wait.
import { parentPort } from 'node:worker_threads'
import { fitsHash, type PasswordAnswer, type PasswordQuestion } from '../shared/password-hash.ts'

parentPort?.on('message', ({ id, hash, password }: PasswordQuestion) => {
  const answer: PasswordAnswer = { id, fits: fitsHash(hash, password) }
  parentPort?.postMessage(answer)
})
