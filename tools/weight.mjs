// What the Worker weighs: the compressed size of its bundle, what of it is whose, and the CPU it takes to start. Writes bench/weight.md;
// fails above the limits.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { node, root } from './processes.mjs'
import { functionsOf } from './wasm.mjs'

const SIZE_LIMIT_KIB = 400
const START_LIMIT_MILLIS = 20
// Of several, the least counts: what a profile tells is time, and the rest of it is the machine's other work. One that came too late to see
// anything counts for nothing.
const STARTS = 5
// Smaller ones are told together.
const LEAST_BYTES = 1024

const main = async () => {
  const files = ['index.js', 'index_bg.wasm'].map(name => path.join(root, 'build', name))
  const size = (await Promise.all(files.map(file => readFile(file)))).reduce((sum, bytes) => sum + compressed(bytes), 0)
  const crates = account(await readFile(path.join(root, 'target/named.wasm')), await crateNames())
  const start = await startUp()
  const text = [
    `The bundle is ${kib(size)} KiB compressed, of ${SIZE_LIMIT_KIB} that are allowed; to start it takes ${start.toFixed(1)} ms of CPU, of ${START_LIMIT_MILLIS}.`,
    '',
    'What of it is whose. The second size is by how much the compressed module shrinks if the functions of that crate are cut out; what',
    'several crates have in common compresses well, so the sizes do not add up. Code that a crate generates for the types of another, such as',
    "serde's for the configuration, counts as the other's; generic code of the standard library, such as that of `Vec`, as the library's; and",
    "requests from end to end, which the compiler has put into the promises that are made of them, as js_sys's.",
    '',
    '| crate | functions | KiB | KiB compressed |',
    '|---|---:|---:|---:|',
    ...crates.map(({ name, functions, bytes, saved }) => `| ${name} | ${functions} | ${kib(bytes)} | ${saved === undefined ? '' : kib(saved)} |`),
    ''
  ].join('\n')
  await writeFile(path.join(root, 'bench/weight.md'), text)
  console.log(text)
  if (size > SIZE_LIMIT_KIB * 1024) fail(`${kib(size)} KiB compressed, ${SIZE_LIMIT_KIB} are allowed`)
  if (start > START_LIMIT_MILLIS) fail(`${start.toFixed(1)} ms to start, ${START_LIMIT_MILLIS} are allowed`)
}

const fail = message => {
  console.error(`weight: ${message}`)
  process.exitCode = 1
}

const compressed = bytes => gzipSync(bytes, { level: 9 }).length

const kib = bytes => (bytes / 1024).toFixed(1)

// As they stand in the names of functions.
const crateNames = async () =>
  new Set([...(await readFile(path.join(root, 'Cargo.lock'), 'utf8')).matchAll(/^name = "(.*)"$/gm)].map(([, name]) => name.replaceAll('-', '_')))

const LIBRARY = 'the standard library'

// The functions of a module by crate, largest first.
const account = (module, known) => {
  const { bodies, names, data } = functionsOf(module)
  const owners = bodies.map(({ index }) => ownerOf(names.get(index) ?? '', known))
  const whole = compressed(Buffer.concat([...bodies.map(({ bytes }) => bytes), data]))
  const without = name => compressed(Buffer.concat([...bodies.filter((_, at) => owners[at] !== name).map(({ bytes }) => bytes), data]))
  const crates = [...new Set(owners)].map(name => {
    const own = bodies.filter((_, at) => owners[at] === name)
    return { name, functions: own.length, bytes: own.reduce((sum, { bytes }) => sum + bytes.length, 0) }
  })
  const [large, small] = [crates.filter(({ bytes }) => bytes >= LEAST_BYTES), crates.filter(({ bytes }) => bytes < LEAST_BYTES)]
  const rest = small.reduce((sum, { functions, bytes }) => ({ functions: sum.functions + functions, bytes: sum.bytes + bytes }), { functions: 0, bytes: 0 })
  const told = large.map(crate => ({ ...crate, saved: whole - without(crate.name) })).sort((a, b) => b.bytes - a.bytes)
  return [
    ...told,
    { name: 'smaller ones', ...rest },
    { name: 'texts and tables of all', functions: '', bytes: data.length, saved: whole - compressed(Buffer.concat(bodies.map(({ bytes }) => bytes))) }
  ]
}

// The first crate in the name of a function that is not part of the standard library: `<larder::Key as core::fmt::Debug>::fmt` is Larder's.
const ownerOf = (name, known) => {
  const named = [...name.matchAll(/(?<![\w:])([a-z_][a-z0-9_]*)::/g)].map(([, crate]) => crate)
  return named.find(crate => known.has(crate)) ?? LIBRARY
}

// Milliseconds of CPU, by the profile that wrangler takes of it.
const startUp = async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'larder-startup-'))
  const wrangler = path.join(root, 'node_modules/wrangler/bin/wrangler.js')
  const env = { ...process.env, PATH: `${path.dirname(node)}:${process.env.PATH}`, WRANGLER_SEND_METRICS: 'false', CI: 'true' }
  try {
    const times = []
    for (let start = 0; start < STARTS; start++) {
      const file = path.join(folder, `${start}.cpuprofile`)
      await promisify(execFile)(node, [wrangler, 'check', 'startup', '--outfile', file], { cwd: root, env })
      times.push(active(JSON.parse(await readFile(file, 'utf8'))))
    }
    console.error(`starts: ${times.map(time => time.toFixed(1)).join(', ')} ms`)
    return Math.min(...times.filter(time => time > 0))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

// All but the time in which it did nothing.
const active = ({ nodes, samples, timeDeltas }) => {
  const idle = new Set(nodes.filter(({ callFrame }) => callFrame.functionName === '(idle)').map(({ id }) => id))
  return samples.reduce((sum, id, at) => sum + (idle.has(id) ? 0 : timeDeltas[at]), 0) / 1000
}

await main()
