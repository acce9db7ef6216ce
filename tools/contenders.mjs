// The servers that are measured side by side: Larder, and what else could stand in its place, each served by the same runtime directly.
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { build } from 'esbuild'
import { Miniflare, convertV4MiniflareOptions, Log, LogLevel } from 'miniflare'
import { answers, childrenOf, freePort, root, start, stat, stop } from './processes.mjs'

const peers = path.join(root, 'benches/peers')

// An origin whose pages are as large as their path says, and take as long as `?wait=` says. In a process of its own.
export const startOrigin = async () => {
  const port = await freePort()
  const child = start(process.execPath, [path.join(peers, 'origin.mjs'), port], { stdio: ['ignore', 'inherit', 'inherit'] })
  const url = `http://127.0.0.1:${port}`
  await answers(child, `${url}/1`)
  return { url, stop: () => stop(child) }
}

// A Worker that is one file of JavaScript.
export const startScript = async (name, origin) => {
  const { outputFiles } = await build({
    entryPoints: [path.join(peers, `${name}.mjs`)], bundle: true, format: 'esm', write: false, nodePaths: [path.join(root, 'node_modules')]
  })
  return serve({ name, modules: [{ type: 'ESModule', path: 'index.mjs', contents: outputFiles[0].text }], bindings: { ORIGIN: origin.url } })
}

export const startConstantRust = () => serve({ name: 'constant_rust', ...wasmIn(path.join(peers, 'constant_rust/build')) })

// Larder as it is deployed, every binding there. `vars` are its configuration beside ORIGIN; `options` are further ones of the runner.
export const startLarder = (origin, vars, options = {}) => serve({
  name: 'larder',
  ...wasmIn(path.join(root, 'build')),
  bindings: { ORIGIN: origin.url, HOSTS: [], ...vars },
  kvNamespaces: ['CACHE'],
  durableObjects: {
    SHIELD: { className: 'Shield', useSQLite: true },
    LEDGER: { className: 'Ledger', useSQLite: true },
    CELLS: { className: 'Cells', useSQLite: true }
  },
  ...options
})

const wasmIn = folder => ({
  modulesRoot: folder,
  modules: [
    { type: 'ESModule', path: path.join(folder, 'index.js') },
    { type: 'CompiledWasm', path: path.join(folder, 'index_bg.wasm') }
  ]
})

// The Worker listens itself, without a proxy in front of it.
const serve = async options => {
  const port = await freePort()
  const before = await childrenOf(process.pid)
  const miniflare = new Miniflare(convertV4MiniflareOptions({
    compatibilityDate: await compatibilityDate(),
    cache: true,
    unsafeDirectSockets: [{ host: '127.0.0.1', port }],
    port: 0,
    host: '127.0.0.1',
    log: new Log(LogLevel.WARN),
    ...options
  }))
  await miniflare.ready
  const [pid] = (await childrenOf(process.pid)).filter(child => !before.includes(child))
  return { name: options.name, url: `http://127.0.0.1:${port}`, pid, stop: () => miniflare.dispose() }
}

const compatibilityDate = async () =>
  /compatibility_date = "(.*)"/.exec(await readFile(path.join(root, 'wrangler.toml'), 'utf8'))[1]

// Asks for `target` as fast as 32 connections can, for so many seconds. `script` is Lua for wrk.
export const load = async (server, target, { seconds, headers = {}, script, connections = 32 }) => {
  const before = await stat(server.pid)
  const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const args = ['-t', '1', '-c', connections, '-d', `${seconds}s`, '--latency', ...fields, ...script ? ['-s', script] : [], server.url + target]
  const output = await run('wrk', args.map(String))
  const after = await stat(server.pid)
  const number = pattern => Number(pattern.exec(output)?.[1] ?? NaN)
  const failed = number(/Non-2xx or 3xx responses: (\d+)/) || 0
  if (failed || /Socket errors/.test(output)) throw new Error(`${server.name} ${target}: ${output}`)
  const requests = number(/(\d+) requests in/)
  return {
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50: millis(/^\s+50%\s+(\S+)/m.exec(output)?.[1]),
    p99: millis(/^\s+99%\s+(\S+)/m.exec(output)?.[1]),
    cpuMicros: (after.cpu - before.cpu) / requests * 1e6,
    requests
  }
}

const millis = text => {
  const [, number, unit] = /([\d.]+)(us|ms|s)/.exec(text)
  return number * { us: 0.001, ms: 1, s: 1000 }[unit]
}

const run = (command, args) => new Promise((resolve, reject) => {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', piece => { output += piece })
  child.on('error', error => reject(error.code === 'ENOENT' ? new Error(`${command} is not installed; run \`make setup\` first`) : error))
  child.on('exit', code => code === 0 ? resolve(output) : reject(new Error(`${command} ended with ${code}: ${output}`)))
})
