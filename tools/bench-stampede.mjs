// A thousand requests for one cold page at the same moment: how many of them the origin sees, with one Worker and with two over one
// storage. And two hundred for a page that cannot be shared, beside the same without collapsing: nobody may queue. Fails if it misses
// its goals; the numbers are printed anyway.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startWorker } from '../tests/journeys/worker.mjs'

const ORIGIN_MILLIS = 1000
const COLD = 1000
const UNSHAREABLE = 200
const QUEUE_GOAL = 1.2

const main = async () => {
  const origin = await startOrigin()
  const folder = await mkdtemp(path.join(tmpdir(), 'larder-stampede-'))
  const missed = []
  try {
    const rows = []
    for (const collapse of ['isolate', 'global']) {
      console.error(`${COLD} requests for a cold page, collapse = "${collapse}" …`)
      const count = await stampede(origin, collapse, path.join(folder, collapse))
      rows.push(`| \`${collapse}\` | ${collapse === 'global' ? 2 : 1} | ${count} |`)
      if (count !== 1) missed.push(`with collapse = "${collapse}" the origin saw ${count} requests, not 1`)
    }
    console.error(`${UNSHAREABLE} requests for a page that is private …`)
    const [alone, together] = [await unshareable(origin, 'off'), await unshareable(origin, 'global')]
    const ratio = together / alone
    if (ratio > QUEUE_GOAL) missed.push(`half of the requests for a private page waited ${ratio.toFixed(2)} times as long`)
    console.log([
      `| ${COLD} requests at once for a cold page of ${ORIGIN_MILLIS / 1000} s | Workers over one storage | requests the origin saw |`,
      '|---|---:|---:|',
      ...rows,
      '',
      `${UNSHAREABLE} at once for a private page, median: ${alone} ms with \`off\`, ${together} ms with \`global\`.`
    ].join('\n'))
  } finally {
    origin.stop()
    await rm(folder, { recursive: true, force: true })
  }
  missed.forEach(what => console.error(`bench-stampede: ${what}`))
  process.exitCode = missed.length ? 1 : 0
}

// Takes its time for every page; those under /private/ are nobody else's.
const startOrigin = async () => {
  const seen = new Map()
  const server = http.createServer(async (request, response) => {
    seen.set(request.url, (seen.get(request.url) ?? 0) + 1)
    await sleep(ORIGIN_MILLIS)
    response.setHeader('Cache-Control', request.url.startsWith('/private/') ? 'private' : 'max-age=600')
    response.end('page')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${server.address().port}`, seen, stop: () => server.close() }
}

const stampede = async (origin, collapse, persist) => {
  const vars = { ORIGIN: origin.url, HOSTS: [], SITE: { collapse } }
  const workers = []
  for (let number = 0; number < (collapse === 'global' ? 2 : 1); number++) workers.push(await startWorker(vars, { persist }))
  const target = `/cold/${collapse}`
  const asking = Array.from({ length: COLD }, (_, number) => timed(workers[number % workers.length].url + target))
  await Promise.all(asking)
  await Promise.all(workers.map(worker => worker.stop()))
  return origin.seen.get(target)
}

const unshareable = async (origin, collapse) => {
  const worker = await startWorker({ ORIGIN: origin.url, HOSTS: [], SITE: { collapse } })
  const target = `${worker.url}/private/${collapse}`
  // That it is private is known by the first answer.
  await timed(target)
  const times = await Promise.all(Array.from({ length: UNSHAREABLE }, () => timed(target)))
  await worker.stop()
  return times.sort((a, b) => a - b)[UNSHAREABLE / 2]
}

// Milliseconds until the whole answer is here; each request on a connection of its own. The host is the same for all Workers: it is
// in the key.
const timed = url => new Promise((resolve, reject) => {
  const began = Date.now()
  const request = http.get(url, { agent: false, headers: { host: 'site.test' } }, response => {
    response.resume()
    response.on('end', () => response.statusCode === 200 ? resolve(Date.now() - began) : reject(new Error(`${response.statusCode}`)))
  })
  request.on('error', reject)
})

await main()
