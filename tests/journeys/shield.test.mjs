// A crowd of isolates: more than this machine could start, so the object is asked as each of them would.
import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Miniflare, convertV4MiniflareOptions } from 'miniflare'
import { root } from '../../tools/processes.mjs'
import { readCompatibilityDate } from './worker.mjs'

const MAX_WAITING = 500
const KEY = 'c'.repeat(64)

let miniflare, shield
before(async () => {
  const build = path.join(root, 'build')
  miniflare = new Miniflare(convertV4MiniflareOptions({
    modulesRoot: build,
    modules: [
      { type: 'ESModule', path: path.join(build, 'index.js') },
      { type: 'CompiledWasm', path: path.join(build, 'index_bg.wasm') }
    ],
    compatibilityDate: await readCompatibilityDate(),
    durableObjects: { SHIELD: { className: 'Shield', useSQLite: true } },
    port: 0
  }))
  const objects = await miniflare.getDurableObjectNamespace('SHIELD')
  shield = objects.get(objects.idFromName('crowd'))
})
after(() => miniflare?.dispose())

// The word it answers; nothing if it refused.
const ask = async (...parts) => {
  try {
    const [word] = await shield.ask(`/1/${parts.join('/')}`, null)
    return word
  } catch {
    return null
  }
}

test('of more isolates than may wait for a page the others are sent on alone', async () => {
  const lead = nonce => ask('lead', KEY, 30_000, nonce)
  const leader = await lead(1)
  assert.match(leader, /^lead \d+$/)
  const wait = leader.replace('lead', 'wait')
  const words = []
  for (let nonce = 2; nonce < MAX_WAITING + 12; nonce++) words.push(await lead(nonce))
  assert.equal(words.filter(word => word === wait).length, MAX_WAITING)
  assert.deepEqual(words.slice(MAX_WAITING), Array(10).fill(null))
})
