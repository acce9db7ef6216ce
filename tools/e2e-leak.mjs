// Measures what clients leave behind that go away before they are answered: the memory of workerd after 3,000 of them, less what
// it was after 300. Exits with 1 if that is 3 MB or more.
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { startWorker } from '../tests/journeys/worker.mjs'

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

// Resident memory of the workerd that listens, in MB.
const residentMemory = port => {
  const inode = execFileSync('sh', ['-c', `awk '$2 ~ /:${port.toString(16).toUpperCase().padStart(4, '0')}$/ && $4 == "0A" { print $10 }' /proc/net/tcp`])
  const pid = readdirSync('/proc').filter(name => /^\d+$/.test(name)).find(pid => owns(pid, inode.toString().trim()))
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line[1]) / 1024
}

const owns = (pid, inode) => {
  try {
    return execFileSync('ls', ['-l', `/proc/${pid}/fd`], { stdio: ['ignore', 'pipe', 'ignore'] }).includes(`socket:[${inode}]`)
  } catch {
    return false
  }
}

const origin = await startOrigin()
const worker = await startWorker({ ORIGIN: `http://127.0.0.1:${origin.address().port}`, HOSTS: [], SITE: { jitter: '0' } })
const port = Number(new URL(worker.url).port)
try {
  await leaveMany(port, 0, 300)
  const early = residentMemory(port)
  console.log(`after 300 clients that went away: ${early.toFixed(1)} MB`)
  await leaveMany(port, 300, 3000)
  const late = residentMemory(port)
  console.log(`after 3,000: ${late.toFixed(1)} MB, which is ${(late - early).toFixed(1)} MB more; less than ${LIMIT_MB} are allowed`)
  const alive = await fetch(`${worker.url}/leak/0`)
  if (alive.status !== 200) throw new Error(`the Worker answers ${alive.status}`)
  process.exitCode = late - early < LIMIT_MB ? 0 : 1
} finally {
  await worker.stop()
  origin.close()
}
