// The Worker's entrance: hands each request to the Rust half, and should that die under it, once more to a new instance, which passes it.
//
// Nothing in WebAssembly survives a panic, a stack that overflows or memory that runs out: the instance is gone, with all requests it had
// in flight, and none of them would ever be answered. worker-build makes a new instance for the next request; here the requests that the
// old one left behind are taken up, those that may be asked twice.
import Larder from 'larder'
export * from 'larder'

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

// An answer that has to be waited for; `DEAD` if the instance died first.
const outcome = async answer => {
  const { promise, resolve } = Promise.withResolvers()
  inFlight.add(resolve)
  try {
    return await Promise.race([answer, promise])
  } catch (error) {
    console.error(error)
    return DEAD
  } finally {
    inFlight.delete(resolve)
  }
}

// The answer, or the promise of it; `DEAD` if there will be none. A page in memory is at hand, and pays for no promise.
const attempt = ask => {
  try {
    const answer = ask()
    return answer instanceof Promise ? outcome(answer) : answer
  } catch (error) {
    console.error(error)
    died(error)
    return DEAD
  }
}

// Nothing of an unread body has reached anybody; what has none may have.
const canBeAskedTwice = ({ method, body, bodyUsed }) => body ? !bodyUsed && !body.locked : SAFE.includes(method)

export default class extends Larder {
  fetch(request) {
    const first = attempt(() => super.fetch(request))
    const survived = answer => answer === DEAD ? this.askAgain(request) : answer
    return first instanceof Promise ? first.then(survived) : survived(first)
  }

  async askAgain(request) {
    if (canBeAskedTwice(request)) {
      request.again = true
      const second = await attempt(() => new Larder(this.ctx, this.env).fetch(request))
      if (second !== DEAD) return second
    }
    return new Response('This request failed here.\n', { status: 500, headers: { 'Cache-Control': 'no-store' } })
  }
}
