// What deleting 100,000 keys by pattern costs: how long a page of it takes, and what gets notice of it that come meanwhile. In Durable
// Objects and in Redis, three times each. Fails if a page takes longer than 100 ms, or gets twice as long; the numbers are printed anyway.
// Each store has a Worker of its own, warmed up until V8 has collected all its garbage for the first time, which takes 80 to 200 ms in
// every isolate, and 35 to 90 ms after that: the longest page is mostly one during which everything stood still for it. It runs in workerd
// alone: under wrangler whatever Redis is asked passes through an isolate of the local runtime's, which stands still for its own garbage.
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBare } from './bare.mjs'
import { startRedis, startWebdis } from './redis.mjs'

const KEYS = 100_000
const PAGE = 1000
const GETS_AT_ONCE = 4
// Visitors who think, not a load test: the two share a core with everything else here.
const PAUSE_MILLISECONDS = 5
const PAGES_A_TURN = 5
const ROUNDS = 3
const WARMING_GETS = 22_000
const TOKEN = 'admin'

const main = async () => {
  const redis = await startRedis()
  const webdis = await startWebdis(redis.port)
  const vars = {
    ORIGIN: 'http://127.0.0.1:9',
    HOSTS: [],
    REDIS: { protocol: 'webdis', url: webdis.url },
    CACHES: { objects: { tiers: ['memory'] }, redis: { tiers: ['redis'] } }
  }
  const secrets = { ADMIN_TOKEN: TOKEN, REDIS_TOKEN: webdis.token }
  const rows = []
  try {
    for (const alias of ['objects', 'redis']) rows.push(await inAWorker(vars, secrets, alias))
  } finally {
    await webdis.stop()
    await redis.stop()
  }
  const cells = row => [row.alias, row.pages, row.median, row.longest, row.alone, row.beside, row.ratio.toFixed(2)]
  console.log([
    `| ${KEYS} keys by pattern, in | pages | median page | longest page | p99 of gets alone | meanwhile | ratio |`,
    '|---|---:|---:|---:|---:|---:|---:|',
    ...rows.map(row => `| ${cells(row).map(cell => typeof cell === 'number' && !Number.isInteger(cell) ? `${cell.toFixed(1)} ms` : cell).join(' | ')} |`)
  ].join('\n'))
  if (rows.some(row => row.longest > 100 || row.ratio > 2)) {
    console.error('bench-cells: a page, or the gets beside it, took longer than promised')
    process.exitCode = 1
  }
}

// One of its own: what the other store left behind is none of this one's.
const inAWorker = async (vars, secrets, alias) => {
  const worker = await startBare(vars, secrets)
  const url = `${worker.url}/_larder/cache/${alias}`
  try {
    await warmUp(`${url}/keys/none`)
    const rounds = []
    for (let round = 0; round < ROUNDS; round++) rounds.push(await measure(alias, url))
    return together(rounds)
  } finally {
    await worker.stop()
  }
}

const warmUp = async url => {
  console.error(`${WARMING_GETS} gets to warm up …`)
  await ask('PUT', url, 'x')
  let left = WARMING_GETS
  await Promise.all(Array.from({ length: GETS_AT_ONCE }, async () => {
    while (left-- > 0) await ask('GET', url)
  }))
}

// The round in the middle, by how the gets fared; and the longest page of all.
const together = rounds => {
  const middle = rounds.toSorted((one, other) => one.ratio - other.ratio)[Math.floor(ROUNDS / 2)]
  return { ...middle, longest: Math.max(...rounds.map(round => round.longest)) }
}

const measure = async (alias, url) => {
  console.error(`${KEYS} keys in ${alias} …`)
  for (let first = 0; first < KEYS; first += PAGE) {
    const set = Object.fromEntries(Array.from({ length: PAGE }, (_, at) => [`article:${first + at}`, at]))
    await ask('POST', `${url}/many`, JSON.stringify({ set }))
  }
  for (let number = 0; number < 100; number++) await ask('PUT', `${url}/keys/kept:${number}`, 'x'.repeat(200))
  const get = () => ask('GET', `${url}/keys/kept:${Math.floor(Math.random() * 100)}`)
  // In turns, since whatever else this machine does is then in both: some pages, and as long without any.
  const times = { alone: [], beside: [] }
  const state = { deletes: false, ends: false }
  const reading = Promise.all(Array.from({ length: GETS_AT_ONCE }, () => read(get, state, times)))
  const pages = []
  let deleted = 0
  for (let cursor = ''; cursor !== undefined;) {
    const began = performance.now()
    state.deletes = true
    for (let number = 0; number < PAGES_A_TURN && cursor !== undefined; number++) {
      const sent = performance.now()
      const page = JSON.parse(await ask('DELETE', `${url}/pattern/article:*${cursor}`))
      pages.push(performance.now() - sent)
      deleted += page.deleted
      if (page.deleted > PAGE) throw new Error(`a page of ${page.deleted}`)
      cursor = page.cursor && `?cursor=${encodeURIComponent(page.cursor)}`
    }
    state.deletes = false
    await sleep(performance.now() - began)
  }
  state.ends = true
  await reading
  if (deleted !== KEYS) throw new Error(`${deleted} keys were deleted of ${KEYS}`)
  const [alone, beside] = [percentile(times.alone, 0.99), percentile(times.beside, 0.99)]
  return { alias, pages: pages.length, median: percentile(pages, 0.5), longest: Math.max(...pages), alone, beside, ratio: beside / alone }
}

// Gets, one after the other, and how long each took: beside a page if there was one when it began or when it ended.
const read = async (get, state, times) => {
  while (!state.ends) {
    const [began, wasBeside] = [performance.now(), state.deletes]
    await get()
    times[wasBeside || state.deletes ? 'beside' : 'alone'].push(performance.now() - began)
    await sleep(PAUSE_MILLISECONDS)
  }
}

const percentile = (times, share) => times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) * share)]

const agent = new http.Agent({ keepAlive: true })

const ask = (method, url, body = '') => new Promise((resolve, reject) => {
  const headers = { authorization: `Bearer ${TOKEN}`, ...body && { 'content-length': Buffer.byteLength(body) } }
  const request = http.request(url, { method, headers, agent }, response => {
    let text = ''
    response.on('data', piece => { text += piece })
    response.on('end', () => response.statusCode < 300 ? resolve(text) : reject(new Error(`${method} ${url}: ${response.statusCode} ${text}`)))
  })
  request.on('error', reject)
  request.end(body)
})

await main()
