// The built Worker in workerd, as it is deployed: one process, one port, secrets of its own.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { answers, node, root, start, stop } from '../../tools/processes.mjs'

// Starts it with these variables; `options` are further ones of the runner, `environment` is for its process.
export const startWorker = async (vars, options = {}, environment = {}) => {
  if (!existsSync(path.join(root, 'build/index.js'))) throw new Error('there is no build; run `make build` first')
  const child = start(node, [path.join(root, 'tests/e2e/workerd.mjs')], {
    env: { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: 'false', ...environment },
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const secrets = { IDENTITY_KEY: randomBytes(32).toString('hex') }
  const compatibilityDate = await readCompatibilityDate()
  child.stdin.write(JSON.stringify({ root, vars, secrets, compatibilityDate, ...options }) + '\n')
  const url = `http://127.0.0.1:${await readPort(child)}`
  await answers(child, `${url}/_larder/health`)
  // It ends with its input.
  return { url, stop: () => stop(child, () => child.stdin.end()) }
}

export const readCompatibilityDate = async () => {
  const text = await readFile(path.join(root, 'wrangler.toml'), 'utf8')
  return /^compatibility_date = "(.+)"$/m.exec(text)[1]
}

const readPort = async child => {
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{"port":')) return JSON.parse(line).port
  }
  throw new Error('the Worker did not start')
}
