// What can stand under the name of one of the Worker's bindings: a store of one's own, two that fail in place of whatever that would do,
// and two that do what a test tells them.
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers'

export { Store } from './store.mjs'

const never = () => new Promise(resolve => setTimeout(resolve, 60_000))

const fails = () => {
  throw new Error('down on purpose')
}

// The methods of KV, of R2 and of D1.
const faulty = method => class extends WorkerEntrypoint {
  get() { return method() }
  put() { return method() }
  delete() { return method() }
  prepare() { return method() }
  batch() { return method() }
}

export const Slow = faulty(never)
export const Down = faulty(fails)

// The answer of the test to what is asked; an error of its becomes an exception.
const told = async (control, path, init) => {
  const answer = await fetch(control + path, init)
  if (answer.status >= 400 && answer.status !== 404) throw new Error(`${answer.status} ${await answer.text()}`)
  return answer
}

// Workers KV as a test scripts it.
export class ScriptedStore extends WorkerEntrypoint {
  async get(key) {
    const answer = await told(this.env.CONTROL, `/kv/${key}`)
    return answer.status === 404 ? null : answer.arrayBuffer()
  }

  async put(key, value, options) {
    await told(this.env.CONTROL, `/kv/${key}`, { method: 'PUT', body: value, headers: { options: JSON.stringify(options) } })
  }

  async delete(key) {
    await told(this.env.CONTROL, `/kv/${key}`, { method: 'DELETE' })
  }
}

// A Durable Object as a test scripts it.
export class ScriptedObject extends DurableObject {
  async ask(target, body) {
    const answer = await told(this.env.CONTROL, target, { method: 'POST', body })
    return [answer.headers.get('larder-word'), await answer.arrayBuffer()]
  }
}

export default { fetch: () => new Response('a stand-in') }
