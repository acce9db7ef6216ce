// Runs the built Worker in workerd, on a port of its own, until standard input ends.
//
// Reads one line of JSON: { root, build, vars, secrets, compatibilityDate, kv, d1, r2, standIns, control, shield, ledger, cells, persist,
// port, inspectorPort }.
// Writes one line of JSON: { port }.
// `persist` is the folder where stores keep what they hold; without one it is gone with the process.
// The Worker listens itself, without the proxy of `wrangler dev` in front of it, which would normalise URLs and recompress bodies.
import { createInterface } from 'node:readline'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { Miniflare, convertV4MiniflareOptions, Log, LogLevel } from 'miniflare'

const freePort = () => new Promise((resolve, reject) => {
  const server = createServer()
  server.on('error', reject)
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { value: line } = await lines.next()
const options = JSON.parse(line)
const build = path.resolve(options.root, options.build ?? 'build')
const port = options.port ?? await freePort()

// Under the name of a binding may stand something else. A slow D1 is a D1 all the same, at a place from which no answer comes: whoever asks
// makes its statements, which no stand-in could hand over.
const d1IsSlow = options.standIns?.CACHE_DB === 'Slow'
const standIns = Object.fromEntries(Object.entries(options.standIns ?? {}).filter(([name]) => !(d1IsSlow && name === 'CACHE_DB')))
const silentPort = async () => {
  const server = createServer(() => {}).unref()
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return server.address().port
}
const bound = (wanted, name) => wanted && !(name in standIns) ? [name] : []
const OBJECTS = { SHIELD: 'Shield', LEDGER: 'Ledger', CELLS: 'Cells' }
const object = (name, className) => name in standIns
  ? { className: standIns[name], scriptName: 'stand-ins', useSQLite: true }
  : { className, useSQLite: true }

const larder = {
  name: 'larder',
  modulesRoot: build,
  modules: [
    { type: 'ESModule', path: path.join(build, 'index.js') },
    { type: 'CompiledWasm', path: path.join(build, 'index_bg.wasm') }
  ],
  compatibilityDate: options.compatibilityDate,
  bindings: { ...options.vars, ...options.secrets },
  kvNamespaces: bound(options.kv !== false, 'CACHE'),
  d1Databases: d1IsSlow
    ? { CACHE_DB: { id: 'CACHE_DB', remoteProxyConnectionString: new URL(`http://127.0.0.1:${await silentPort()}`) } }
    : bound(options.d1, 'CACHE_DB'),
  r2Buckets: bound(options.r2, 'CACHE_BUCKET'),
  serviceBindings: Object.fromEntries(
    Object.entries(standIns).filter(([name]) => !(name in OBJECTS)).map(([name, entrypoint]) => [name, { name: 'stand-ins', entrypoint }])
  ),
  durableObjects: Object.fromEntries(
    Object.entries(OBJECTS).filter(([name]) => options[name.toLowerCase()] !== false).map(([name, own]) => [name, object(name, own)])
  ),
  unsafeDirectSockets: [{ host: '127.0.0.1', port }]
}
const others = {
  name: 'stand-ins',
  modules: await Promise.all(['tests/e2e/stand_ins.mjs', 'fixtures/backend/store.mjs'].map(async file => {
    const contents = await readFile(path.join(options.root, file), 'utf8')
    return { type: 'ESModule', path: path.basename(file), contents }
  })),
  compatibilityDate: options.compatibilityDate,
  bindings: { CONTROL: options.control ?? '' },
  durableObjects: Object.fromEntries(
    Object.keys(OBJECTS).filter(name => name in standIns).map(name => [name, { className: standIns[name], useSQLite: true }])
  )
}

const miniflare = new Miniflare(convertV4MiniflareOptions({
  workers: Object.keys(standIns).length ? [larder, others] : [larder],
  cache: true,
  resourcePersistencePath: options.persist ?? undefined,
  inspectorPort: options.inspectorPort,
  port: 0,
  host: '127.0.0.1',
  log: new Log(LogLevel.WARN)
}))
await miniflare.ready
process.stdout.write(JSON.stringify({ port }) + '\n')
// What the Worker logs from here on is for whoever reads along: nobody reads standard output any more.
process.stdout.write = process.stderr.write.bind(process.stderr)
await lines.next()
await miniflare.dispose()
process.exit(0)
