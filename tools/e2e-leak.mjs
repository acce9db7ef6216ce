// Measures what clients leave behind that go away before they are answered: the memory of the Worker after 3,000 of them, less
// what it was after 300. Exits with 1 if that is 3 MB or more.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { startWorker } from '../tests/journeys/worker.mjs'
import { connect as connectInspector, inspected } from './inspector.mjs'
import { freePort } from './processes.mjs'

const LIMIT_MB = 3
const AT_ONCE = 25

// Takes its time, so that every client is gone before it is answered.
const startOrigin = async () => {
  const origin = createServer((request, response) => {
    setTimeout(() => response.setHeader('Cache-Control', 'max-age=1').end('x'.repeat(2000)), 50)
  })
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  return origin
}

// Asks, and resets the connection once the request is on its way.
const leave = async (port, path) => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: site.test\r\n\r\n`)
  await sleep(5)
  socket.resetAndDestroy()
  await once(socket, 'close')
}

const leaveMany = async (port, from, to) => {
  for (let first = from; first < to; first += AT_ONCE) {
    // A few keys, so that what is stored does not count.
    await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => leave(port, `/leak/${(first + at) % 10}`)))
  }
  // What they asked for is finished without them.
  await sleep(2000)
}

const describe = ({ heap, wasm }) => `${megabytes(heap + wasm)} MB (heap ${megabytes(heap)}, WebAssembly ${megabytes(wasm)})`

const megabytes = bytes => (bytes / 2 ** 20).toFixed(2)

const origin = await startOrigin()
const inspectorPort = await freePort()
const vars = { ORIGIN: `http://127.0.0.1:${origin.address().port}`, HOSTS: [], SITE: { jitter: '0' } }
const worker = await startWorker(vars, { inspectorPort }, inspected)
const port = Number(new URL(worker.url).port)
const inspector = await connectInspector(inspectorPort)
try {
  await leaveMany(port, 0, 300)
  const early = await inspector.memory()
  console.log(`after 300 clients that went away: ${describe(early)}`)
  await leaveMany(port, 300, 3000)
  const late = await inspector.memory()
  const growth = (late.heap + late.wasm - early.heap - early.wasm) / 2 ** 20
  console.log(`after 3,000: ${describe(late)}, ${growth.toFixed(2)} MB more; less than ${LIMIT_MB} are allowed`)
  const alive = await fetch(`${worker.url}/leak/0`)
  if (alive.status !== 200) throw new Error(`the Worker answers ${alive.status}`)
  process.exitCode = growth < LIMIT_MB ? 0 : 1
} finally {
  inspector.close()
  await worker.stop()
  origin.close()
}
