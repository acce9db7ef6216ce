// The Worker's entrance: hands each request to the Rust half, and should that die under it, once more to a new instance, which passes it.
//
// Nothing in WebAssembly survives a panic, a stack that overflows or memory that runs out: the instance is gone, with all requests it had
// in flight, and none of them would ever be answered. worker-build makes a new instance for the next request; here the requests that the
// old one left behind are taken up, those that may be asked twice.
import { DurableObject } from 'cloudflare:workers'
import Larder, * as halves from 'larder'

const SAFE = ['GET', 'HEAD', 'OPTIONS']
const DEAD = Symbol('dead')
// How to tell each request in flight. A promise that others may settle has to be one of `withResolvers`.
const inFlight = new Set()

const died = error => {
  if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) return
  // Of a stack that is full worker-build does not know.
  globalThis.__worker_init_state.criticalError = true
  for (const tell of inFlight) tell(DEAD)
  inFlight.clear()
}

addEventListener('error', ({ error }) => died(error))
addEventListener('unhandledrejection', ({ reason }) => died(reason))

// An answer that has to be waited for; `DEAD` if the instance died first.
const outcome = answer => {
  const { promise, resolve } = Promise.withResolvers()
  const settle = result => {
    inFlight.delete(resolve)
    resolve(result)
  }
  inFlight.add(resolve)
  answer.then(settle, error => {
    console.error(error)
    settle(DEAD)
  })
  return promise
}

// worker-build makes an object and two proxies for each request, and calls this method through them: a tenth of what a hit costs. What they
// are for is done here: a new instance if the last one died, and notice of the death.
const { fetch: ask } = Larder.prototype
const revive = (env, ctx) => globalThis.__worker_init_state.criticalError && new Larder(ctx, env)

// The answer, or the promise of it; `DEAD` if there will be none. A page in memory is at hand, and pays for no promise.
const attempt = (request, env, ctx) => {
  try {
    revive(env, ctx)
    const answer = ask.call({ env, ctx }, request)
    return answer instanceof Promise ? outcome(answer) : answer
  } catch (error) {
    console.error(error)
    died(error)
    return DEAD
  }
}

// Nothing of an unread body has reached anybody; what has none may have.
const canBeAskedTwice = ({ method, body, bodyUsed }) => body ? !bodyUsed && !body.locked : SAFE.includes(method)

const askAgain = async (request, env, ctx) => {
  if (canBeAskedTwice(request)) {
    request.again = true
    const second = await attempt(request, env, ctx)
    if (second !== DEAD) return second
  }
  return new Response('This request failed here.\n', { status: 500, headers: { 'Cache-Control': 'no-store' } })
}

export default {
  fetch(request, env, ctx) {
    const first = attempt(request, env, ctx)
    const survived = answer => answer === DEAD ? askAgain(request, env, ctx) : answer
    return first instanceof Promise ? first.then(survived) : survived(first)
  }
}

// The Durable Objects are asked by a method, not by requests, whose messages and bodies would be most of what the garbage collector of an
// isolate has to take away.
const object = Half => class extends DurableObject {
  #half

  constructor(ctx, env) {
    super(ctx, env)
    this.#half = new Half(ctx, env)
  }

  ask(target, body) {
    return this.#half.ask(target, body)
  }

  alarm() {
    return this.#half.alarm()
  }
}

export const Shield = object(halves.Shield)
export const Ledger = object(halves.Ledger)
export const Cells = object(halves.Cells)
