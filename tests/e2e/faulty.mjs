// Stands in for a binding of the Worker, and fails in place of whatever that would do.
import { WorkerEntrypoint } from 'cloudflare:workers'

const never = () => new Promise(resolve => setTimeout(resolve, 60_000))

const fails = () => {
  throw new Error('down on purpose')
}

// The methods of KV, of R2 and of D1.
const standIn = method => class extends WorkerEntrypoint {
  get() { return method() }
  put() { return method() }
  delete() { return method() }
  prepare() { return method() }
  batch() { return method() }
}

export const Slow = standIn(never)
export const Down = standIn(fails)
export default { fetch: () => new Response('a stand-in') }
