// Builds Workers that are weakened on purpose, by one patch for each class of security cases, and runs the tests of the class against
// each. Fails where a patch does not apply any more, or where no case turns out unsafe: then the tests would not see an attack either.
//
//   node tools/weaken.mjs            all of tests/e2e/security/weakenings
//   node tools/weaken.mjs ui kn      these
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { root, start } from './processes.mjs'
import { runTrials } from './trials.mjs'

const PATCHES = path.join(root, 'tests/e2e/security/weakenings')
// A copy of the crate with a target folder of its own: what a patch leaves alone is compiled once.
const COPY = path.join(root, 'target/weakened')
const FILES = ['Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', 'src']
const LINKS = ['bench', 'benches', 'fixtures']

const main = async classes => {
  mkdirSync(COPY, { recursive: true })
  for (const name of LINKS.filter(name => !existsSync(path.join(COPY, name)))) symlinkSync(path.join(root, name), path.join(COPY, name))
  const failures = []
  for (const name of classes) {
    const failure = await weaken(name)
    console.log(`${name.toUpperCase()}: ${failure ?? 'found out'}`)
    if (failure) failures.push(name)
  }
  process.exitCode = failures.length > 0 ? 1 : 0
}

// Why a weakening is no proof of the tests, or undefined.
const weaken = async name => {
  for (const file of FILES) synchronise(path.join(root, file), path.join(COPY, file))
  // Without a repository around it git is no more than a careful `patch`.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: path.dirname(COPY) }
  if (!await run('git', ['apply', path.join(PATCHES, `${name}.patch`)], { cwd: COPY, env })) return 'the patch does not apply'
  if (!await run(path.join(root, 'tools/build.sh'), [COPY, '--dev'])) return 'it does not build'
  const { trials } = await runTrials(`::${name}_`, { env: { LARDER_BUILD: path.join(COPY, 'build') }, stdio: 'ignore' })
  const unsafe = trials.filter(({ id, safe }) => !safe && id.startsWith(name.toUpperCase()))
  for (const { id, variant, state } of unsafe) console.log(`  ${[id, variant].filter(Boolean).join(' ')} (${state})`)
  if (unsafe.length === 0) return `none of ${trials.length} trials is unsafe`
}

// Makes the copy what the original is, and touches nothing else: what is older than its build is not built again.
const synchronise = (from, to) => {
  if (!statSync(from).isDirectory()) {
    if (!existsSync(to) || !readFileSync(from).equals(readFileSync(to))) cpSync(from, to)
    return
  }
  mkdirSync(to, { recursive: true })
  const names = readdirSync(from)
  for (const gone of readdirSync(to).filter(name => !names.includes(name))) rmSync(path.join(to, gone), { recursive: true })
  for (const name of names) synchronise(path.join(from, name), path.join(to, name))
}

const run = async (command, args, options) => {
  const child = start(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options })
  const errors = []
  child.stderr.on('data', chunk => errors.push(chunk))
  const [code] = await once(child, 'close')
  if (code !== 0) console.error(Buffer.concat(errors).toString().slice(-4000))
  return code === 0
}

const all = readdirSync(PATCHES).filter(file => file.endsWith('.patch')).map(file => path.basename(file, '.patch'))
const asked = process.argv.slice(2).map(name => name.toLowerCase())
await main(asked.length > 0 ? asked : all)
