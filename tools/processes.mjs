// Starts and stops the processes that tests and tools need; none outlives the program that started it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { constants } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export const root = path.resolve(import.meta.dirname, '..')

// The Node.js that wrangler and its runtime want, whichever one runs this.
export const node = path.join(root, 'node_modules/.bin/node')

const GRACE_SECONDS = 10
const running = new Set()
const asked = new Set()

// Starts a process in a group of its own, so that whatever it starts can be stopped with it, and by nobody else.
export const start = (command, args, options) => {
  const child = spawn(command, args, { cwd: root, ...options, detached: true })
  running.add(child)
  child.once('error', () => running.delete(child))
  child.once('exit', () => {
    running.delete(child)
    signalGroup(child, 'SIGKILL')
  })
  return child
}

// Asks a process to end, and ends it if it does not.
export const stop = async (child, ask = () => signalGroup(child, 'SIGTERM')) => {
  if (!running.has(child)) return
  asked.add(child)
  const ended = once(child, 'exit')
  ask()
  const impatience = setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_SECONDS * 1000)
  await ended
  clearTimeout(impatience)
}

// Throws if a process has ended that nobody asked to.
export const insistOn = child => {
  if (running.has(child) || asked.has(child)) return
  throw new Error(`${child.spawnargs.slice(0, 3).join(' ')} ended with ${child.exitCode ?? child.signalCode}`)
}

const signalGroup = (child, signal) => {
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

process.once('exit', () => running.forEach(child => signalGroup(child, 'SIGKILL')))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, async () => {
    await Promise.all([...running].map(child => stop(child)))
    process.exit(128 + constants.signals[signal])
  })
}

// A port that nothing listens on: the preferred one, or any.
export const freePort = async (preferred = 0) => {
  const server = createServer()
  const listening = once(server, 'listening')
  server.listen(preferred, '127.0.0.1')
  try {
    await listening
  } catch (error) {
    if (error.code === 'EADDRINUSE') return freePort()
    throw error
  }
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

// Asks until the answer is a good one, and returns it.
export const until = async (ask, what, seconds = 30) => {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} seconds`)
    await sleep(50)
  }
}

// Waits until a server that was just started answers at all; if it ends instead, its own error output says why.
export const answers = (child, url) => until(async () => {
  insistOn(child)
  const response = await fetch(url, { redirect: 'manual' }).catch(() => null)
  return response !== null
}, `an answer from ${url}`, 60)

// The processes that a process has started and that still run.
export const childrenOf = async parent => {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  const parents = await Promise.all(pids.map(async pid => (await stat(pid))?.parent))
  return pids.filter((_, at) => parents[at] === parent)
}

// Of a process: its parent, the seconds of CPU it has used, and its memory in MiB.
const TICKS_PER_SECOND = 100
const PAGES_PER_MEBIBYTE = 256
export const stat = async pid => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ').map(Number)
  return fields && { parent: fields[1], cpu: (fields[11] + fields[12]) / TICKS_PER_SECOND, memory: fields[21] / PAGES_PER_MEBIBYTE }
}

// Its memory now, and the most it ever was; bytes.
export const memoryOf = async pid => {
  const text = await readFile(`/proc/${pid}/status`, 'utf8')
  const bytes = name => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)[1]) * 1024
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') }
}
