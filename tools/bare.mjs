// The built Worker in workerd and nothing else: no stores but its own objects, and nothing of the local runtime's between it and what it
// asks, whose garbage would be measured too.
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readCompatibilityDate } from '../tests/journeys/worker.mjs'
import { answers, freePort, root, start, stop } from './processes.mjs'

const OBJECTS = { SHIELD: 'Shield', LEDGER: 'Ledger', CELLS: 'Cells' }

// Starts it with these variables and secrets.
export const startBare = async (vars, secrets) => {
  const port = await freePort()
  const directory = await mkdtemp(path.join(tmpdir(), 'larder-bare-'))
  await mkdir(path.join(directory, 'objects'))
  const config = path.join(directory, 'config.capnp')
  const bindings = { ...vars, IDENTITY_KEY: randomBytes(32).toString('hex'), ...secrets }
  await writeFile(config, configuration(port, bindings, await readCompatibilityDate(), path.join(directory, 'objects')))
  const command = path.join(root, 'node_modules/.bin/workerd')
  const child = start(command, ['serve', '--import-path', path.join(root, 'build'), config], { stdio: ['ignore', 'ignore', 'inherit'] })
  const end = async () => {
    await stop(child)
    await rm(directory, { recursive: true })
  }
  try {
    const url = `http://127.0.0.1:${port}`
    await answers(child, `${url}/_larder/health`)
    return { url, stop: end }
  } catch (error) {
    await end()
    throw error
  }
}

const configuration = (port, bindings, compatibilityDate, objects) => `
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "larder", worker = (
      modules = [(name = "index.js", esModule = embed "/index.js"), (name = "index_bg.wasm", wasm = embed "/index_bg.wasm")],
      compatibilityDate = ${text(compatibilityDate)},
      bindings = [${[...Object.entries(bindings).map(binding), ...Object.entries(OBJECTS).map(namespace)].join(', ')}],
      durableObjectNamespaces = [${Object.values(OBJECTS).map(object).join(', ')}],
      durableObjectStorage = (localDisk = "objects"),
      globalOutbound = "network"
    )),
    (name = "network", network = (allow = ["private"])),
    (name = "objects", disk = (path = ${text(objects)}, writable = true))
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "larder")]
);
`

const binding = ([name, value]) => typeof value === 'string'
  ? `(name = ${text(name)}, text = ${text(value)})`
  : `(name = ${text(name)}, json = ${text(JSON.stringify(value))})`
const namespace = ([name, className]) => `(name = ${text(name)}, durableObjectNamespace = ${text(className)})`
const object = className => `(className = ${text(className)}, uniqueKey = ${text(className)}, enableSql = true)`

// Cap'n Proto quotes as JSON does, as long as nothing has to be written as a code point.
const text = value => JSON.stringify(value)
