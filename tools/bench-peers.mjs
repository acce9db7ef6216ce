// Larder beside what else could stand in its place, in one runtime on one machine, and for the record beside nginx and Varnish: the pairs
// are measured in turn, A B A B, and what counts is the ratio. Writes bench/results.json and bench/results.md. Fails if a goal is missed; the numbers are written anyway.
//
//   node tools/bench-peers.mjs [NAME…]     only the pairs whose name begins so
import http from 'node:http'
import path from 'node:path'
import { load, startConstantRust, startLarder, startOrigin, startScript } from './contenders.mjs'
import { startNginx, startVarnish } from './outside.mjs'
import { root } from './processes.mjs'
import { note } from './results.mjs'

const ROUNDS = 5
const SECONDS = 1
const SIZES = { '': 4096, '_64k': 65_536, '_1m': 1_048_576 }
const FIRST_BYTES = 60
const FIRST_BYTE_GOAL_MILLIS = 10

const condition = { 'if-none-match': '"1"' }
const unique = { script: path.join(root, 'benches/peers/unique.lua') }

// `goal`: the least that Larder's throughput may be, as a share of the other's.
const PAIRS = [
  ...Object.entries(SIZES).flatMap(([suffix, size]) => [
    { name: `memory_hit${suffix}/constant_js`, larder: 'memory', peer: 'constant_js', target: `/${size}` },
    { name: `memory_hit${suffix}/constant_rust`, larder: 'memory', peer: 'constant_rust', target: `/${size}`, goal: suffix ? undefined : 0.85 },
    { name: `memory_hit${suffix}/cache_api`, larder: 'memory', peer: 'cache_api', target: `/${size}`, goal: suffix ? undefined : 3 },
    { name: `memory_hit${suffix}/hono`, larder: 'memory', peer: 'hono', target: `/${size}`, goal: suffix ? undefined : 3 },
    { name: `memory_hit${suffix}/nginx`, larder: 'memory', peer: 'nginx', target: `/${size}` },
    { name: `memory_hit${suffix}/varnish`, larder: 'memory', peer: 'varnish', target: `/${size}` }
  ]),
  { name: 'not_modified/constant_rust', larder: 'memory', peer: 'constant_rust', target: '/4096', headers: condition, goal: 0.9 },
  { name: 'colo_hit/cache_api', larder: 'colo', peer: 'cache_api', target: '/4096', goal: 0.8 },
  { name: 'kv_hit/cache_api', larder: 'kv', peer: 'cache_api', target: '/4096' },
  { name: 'miss/pass_through', larder: 'miss', peer: 'pass_through', target: '/4096', ...unique, goal: 0.85 }
]

const CONFIGURATIONS = {
  memory: {},
  colo: { CACHES: { default: { tiers: ['colo'] } } },
  kv: { CACHES: { default: { tiers: ['kv'] } } },
  miss: { CACHES: { default: { tiers: ['memory'] } }, SITE: { collapse: 'off' } }
}

// What is no script.
const STARTERS = { constant_rust: startConstantRust, nginx: startNginx, varnish: startVarnish }

const main = async () => {
  const wanted = process.argv.slice(2)
  const isWanted = name => wanted.length === 0 || wanted.some(beginning => name.startsWith(beginning))
  const origin = await startOrigin()
  const running = new Map()
  const server = async (name, starting) => {
    if (!running.has(name)) running.set(name, await starting())
    return running.get(name)
  }
  const larder = kind => server(`larder ${kind}`, () => startLarder(origin, CONFIGURATIONS[kind]))
  const peer = name => server(name, () => STARTERS[name]?.(origin) ?? startScript(name, origin))
  const results = { rounds: ROUNDS, seconds: SECONDS, pairs: {} }
  try {
    for (const pair of PAIRS.filter(({ name }) => isWanted(name))) {
      results.pairs[pair.name] = await compare(pair, await larder(pair.larder), await peer(pair.peer))
    }
    if (isWanted('first_byte')) results.firstByte = await firstBytes(await larder('memory'), await peer('pass_through'))
  } finally {
    await Promise.all([...running.values()].map(server => server.stop()))
    await origin.stop()
  }
  console.log(await note(results))
  const missed = [...Object.values(results.pairs), results.firstByte].filter(result => result?.missed)
  missed.forEach(({ missed }) => console.error(`bench-peers: ${missed}`))
  process.exitCode = missed.length ? 1 : 0
}

// In turn, so that what else the machine does meets both.
const compare = async (pair, ours, theirs) => {
  await isWhatItShouldBe(pair, ours)
  const options = { headers: pair.headers, script: pair.script }
  for (const server of [ours, theirs]) await warmUp(server, pair.target, options)
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push([
      await load(ours, pair.target, { ...options, seconds: SECONDS }),
      await load(theirs, pair.target, { ...options, seconds: SECONDS })
    ])
  }
  const ratios = rounds.map(([one, other]) => one.perSecond / other.perSecond)
  const middle = (at, figure) => median(rounds.map(round => round[at][figure]))
  const figures = at => ({ perSecond: middle(at, 'perSecond'), p50: middle(at, 'p50'), p99: middle(at, 'p99'), cpuMicros: middle(at, 'cpuMicros') })
  const result = { ratio: median(ratios), spread: [Math.min(...ratios), Math.max(...ratios)], rounds: ROUNDS, goal: pair.goal, larder: figures(0), peer: figures(1) }
  console.error(`${pair.name}: ${result.ratio.toFixed(2)} (${result.spread.map(ratio => ratio.toFixed(2)).join('–')})`)
  return pair.goal > result.ratio ? { ...result, missed: `${pair.name} is ${result.ratio.toFixed(2)}, not ${pair.goal}` } : result
}

// Once for each server and target: in one pair after the other they stay warm.
const warm = new Set()
const warmUp = async (server, target, options) => {
  const name = `${server.url}${target} ${JSON.stringify(options)}`
  if (!warm.has(name)) await load(server, target, { ...options, seconds: SECONDS })
  warm.add(name)
}

// What is measured is what the name says.
const isWhatItShouldBe = async ({ name, target, headers }, server) => {
  const [kind] = name.split('/')
  // Not by `fetch`, which adds directives of its own to a condition.
  const ask = () => new Promise((resolve, reject) => {
    http.get(server.url + target, { headers }, response => {
      let length = 0
      response.on('data', piece => { length += piece.length })
      response.on('end', () => resolve({ status: response.statusCode, length, cache: response.headers['cache-status'] }))
    }).on('error', reject)
  })
  await ask()
  await new Promise(resolve => setTimeout(resolve, 300))
  const { status, length, cache } = await ask()
  const expected = kind === 'not_modified' ? [304, 0] : [200, Number(target.slice(1))]
  if (status !== expected[0] || length !== expected[1] || !(/; hit/.test(cache) || kind === 'miss')) {
    throw new Error(`${name}: ${status}, ${length} bytes, ${cache}`)
  }
}

// How much later the first byte of a page comes that takes the origin 50 ms and has to be stored in every tier.
const firstBytes = async (ours, theirs) => {
  const times = [[], []]
  for (let number = 0; number < FIRST_BYTES; number++) {
    for (const [at, server] of [ours, theirs].entries()) {
      const began = performance.now()
      const response = await fetch(`${server.url}/4096?wait=50&first=${number}`)
      times[at].push(performance.now() - began)
      await response.arrayBuffer()
    }
  }
  const [larder, passThrough] = times.map(median)
  const later = larder - passThrough
  console.error(`first_byte: ${later.toFixed(1)} ms later`)
  const missed = later > FIRST_BYTE_GOAL_MILLIS ? `the first byte comes ${later.toFixed(1)} ms later, not ${FIRST_BYTE_GOAL_MILLIS}` : undefined
  return { larder, passThrough, later, requests: FIRST_BYTES, missed }
}

const median = numbers => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]

await main()
