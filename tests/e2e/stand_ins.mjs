// What can stand under the name of one of the Worker's bindings: a store of one's own, and two that fail in place of whatever that would
// do.
import { WorkerEntrypoint } from 'cloudflare:workers'

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
export default { fetch: () => new Response('a stand-in') }
