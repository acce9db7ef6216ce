// `make dev`: a Django site, and a Larder in front of it under `wrangler dev`. With ORIGIN in the environment that is the origin
// instead, under the rules of wrangler.toml. With REDIS=1 Larder also stores in a Redis. Ctrl-C stops everything.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { answers, freePort, insistOn, node, root, start } from './processes.mjs'
import { startRedis, startWebdis } from './redis.mjs'

const CONFIG = path.join(root, '.wrangler/dev.json')
const STATE = path.join(root, '.wrangler/dev-state')
const SECRETS = path.join(root, '.dev.vars')
const REDIS_SECRETS = path.join(root, '.wrangler/redis.vars')
const PREFERRED_PORT = 8787

const main = async () => {
  requireFile('node_modules/wrangler', 'make setup')
  requireFile('build/index.js', 'make build')
  await mkdir(path.dirname(CONFIG), { recursive: true })
  await writeSecrets()
  const redis = process.env.REDIS === '1' ? await startStore() : undefined
  await writeConfig(process.env.ORIGIN, redis)
  // An empty store each time: the first request for a page is a miss, whatever was tried before.
  await rm(STATE, { recursive: true, force: true })
  const port = await freePort(PREFERRED_PORT)
  const wrangler = startWrangler(port, redis ? [SECRETS, REDIS_SECRETS] : [SECRETS])
  const url = `http://127.0.0.1:${port}`
  await answers(wrangler, `${url}/_larder/health`)
  greet(url, redis)
  await once(wrangler, 'exit')
  insistOn(wrangler)
}

const requireFile = (file, command) => {
  if (!existsSync(path.join(root, file))) throw new Error(`${file} is missing; run \`${command}\` first`)
}

// Random secrets where the example leaves a value empty.
const writeSecrets = async () => {
  if (existsSync(SECRETS)) return
  const example = await readFile(`${SECRETS}.example`, 'utf8')
  const filled = example.replace(/^(\w+)=""$/gm, (_, name) => `${name}="${randomBytes(32).toString('hex')}"`)
  await writeFile(SECRETS, filled, { mode: 0o600 })
}

// Starts Redis, and webdis, by which Larder reaches it. The token is for this run: it has no place in .dev.vars, which is the user's.
const startStore = async () => {
  const { port } = await startRedis()
  const { url, token } = await startWebdis(port)
  await writeFile(REDIS_SECRETS, `REDIS_TOKEN="${token}"\n`, { mode: 0o600 })
  return { port, url }
}

// The deployment of wrangler.toml with the build as it is, without what would build it again.
const writeConfig = async (givenOrigin, redis) => {
  const { experimental_readRawConfig: readRawConfig } = await import('wrangler')
  const { rawConfig } = readRawConfig({ config: path.join(root, 'wrangler.toml') })
  const main = path.join(root, 'build/index.js')
  const vars = givenOrigin ? { ...rawConfig.vars, ORIGIN: givenOrigin, HOSTS: [] } : await startSite()
  if (redis) vars.REDIS = { protocol: 'webdis', url: redis.url }
  await writeFile(CONFIG, JSON.stringify({ ...rawConfig, build: undefined, main, vars }, null, 2))
}

// Starts Django, and says how Larder is to treat it.
const startSite = async () => {
  const { policyFor, startDjango } = await import('../fixtures/django/start.mjs')
  const django = await startDjango({ output: 'inherit' })
  return policyFor(django.url)
}

const startWrangler = (port, secrets) => {
  const args = [
    path.join(root, 'node_modules/wrangler/bin/wrangler.js'), 'dev',
    '--config', CONFIG,
    ...secrets.flatMap(file => ['--env-file', file]),
    '--persist-to', STATE,
    '--ip', '127.0.0.1', '--port', port,
    '--log-level', 'warn'
  ]
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true', CLOUDFLARE_CF_FETCH_ENABLED: 'false' }
  return start(node, args, { env, stdio: ['ignore', 'inherit', 'inherit'] })
}

const greet = (url, redis) => {
  const page = process.env.ORIGIN ? `${url}/` : `${url}/news/`
  const scan = redis ? `\n  redis-cli -p ${redis.port} --scan    # the keys of what Redis holds` : ''
  console.log(`
Larder listens on ${url}, with the secrets of .dev.vars. Try

  curl -i ${page}                          # a miss
  curl -i ${page}                          # a hit: the origin is not asked
  curl -i -H 'If-None-Match: *' ${page}    # 304: nothing has to be sent again${scan}

Ctrl-C stops it.
`)
}

await main().catch(error => {
  console.error(`dev: ${error.message}`)
  process.exit(1)
})
