import t from 'tap'
import { eventually } from '../../shared/testing/eventually.ts'
import { PasswordThread } from './password-thread.ts'

// Of `htpasswd -nbB` for the password `myPassword`.
const hash = '$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC'
const places = 100

t.test(
  'clients that go away keep their places until the thread is through with them',
  async (t) => {
    const passwords = new PasswordThread()
    t.teardown(() => passwords.stop())
    const answers: (boolean | undefined)[] = []
    const verify = (password: string) =>
      passwords.verify(hash, password, (fits) => answers.push(fits))
    for (let n = 0; n < places; n += 1) verify(`wrong ${n}`)()
    verify('myPassword')
    t.same(answers, [undefined], 'no place is left')
    await eventually('there are places again', () => {
      verify('myPassword')
      return answers.includes(true)
    })
    t.notOk(answers.includes(false), 'who went away gets no answer')
  },
)
