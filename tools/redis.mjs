// Redis, and the gateways by which a Worker reaches it over HTTP: each listens on a loopback port of its own, and keeps nothing when it
// ends.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { freePort, insistOn, node, root, start, stop, until } from './processes.mjs'
import { ask } from './resp.mjs'

export const startRedis = async () => {
  const port = await freePort()
  const child = await launch('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'])
  await until(async () => {
    insistOn(child)
    const [reply] = await ask(port, [['PING']]).catch(() => [])
    return reply === 'PONG'
  }, `an answer from Redis on port ${port}`)
  // It has nothing to save, and does not hear a gentler signal while it is paused.
  return { port, pid: child.pid, stop: () => stop(child, () => child.kill('SIGKILL')) }
}

// `token` is the user and password that every request has to show: 53 bytes at most, since webdis compares them in Base64 that it breaks
// into lines.
export const startWebdis = async (redisPort, token = `larder:${randomToken()}`) => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const directory = await mkdtemp(path.join(tmpdir(), 'larder-webdis-'))
  try {
    const config = path.join(directory, 'webdis.json')
    await writeFile(config, JSON.stringify(webdisConfig(port, redisPort, token)))
    const child = await launch('webdis', [config])
    await until(() => pings(child, url, token), `an answer from ${url}`)
    return { port, url, token, stop: () => stop(child) }
  } finally {
    // It reads its configuration once.
    await rm(directory, { recursive: true })
  }
}

const webdisConfig = (port, redisPort, token) => ({
  http_host: '127.0.0.1',
  http_port: port,
  redis_host: '127.0.0.1',
  redis_port: redisPort,
  daemonize: false,
  logfile: '/dev/null',
  // Later rules overrule earlier ones.
  acl: [{ disabled: ['*'] }, { http_basic_auth: token, enabled: ['*'] }]
})

const pings = async (child, url, token) => {
  insistOn(child)
  const headers = { authorization: `Basic ${Buffer.from(token).toString('base64')}` }
  const response = await fetch(`${url}/PING`, { headers }).catch(() => null)
  return response?.ok
}

// Upstash's dialect; `token` is the bearer token.
export const startUpstash = async (redisPort, token = randomToken()) => {
  const child = start(node, [path.join(root, 'tests/e2e/upstash.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.write(JSON.stringify({ redisPort, token }) + '\n')
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const { port } = JSON.parse(line)
  // It ends with its input.
  return { port, url: `http://127.0.0.1:${port}`, token, stop: () => stop(child, () => child.stdin.end()) }
}

const launch = async (program, args) => {
  const child = start(program, args, { cwd: tmpdir(), stdio: ['ignore', 'ignore', 'inherit'] })
  await once(child, 'spawn').catch(error => {
    throw error.code === 'ENOENT' ? new Error(`${program} is not installed; run \`make setup\` first`) : error
  })
  return child
}

const randomToken = () => randomBytes(16).toString('hex')
