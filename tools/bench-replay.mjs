// The requests of fixtures/replay/mix.json, replayed against the built Worker in front of an origin that answers as Django does: how many
// of them the origin sees, and whether every page is its requester's own or everybody's. Fails if the origin sees more than a tenth with
// one copy for each who is signed in, or if anybody gets another's page.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import { startWorker } from '../tests/journeys/worker.mjs'

const CONCURRENCY = 32
const GOAL = 0.1

const SITES = [
  ['`PRESET = "django"` and `vary_cookie = ["sessionid"]`', { PRESET: 'django', SITE: { vary_cookie: ['sessionid'] } }],
  ['`PRESET = "django"`: who is signed in passes', { PRESET: 'django' }],
  ['neither', {}],
  ['a rule that bypasses on any cookie', { SITE: { bypass_cookie: ['*'] } }]
]

const main = async () => {
  const mix = JSON.parse(await readFile(new URL('../fixtures/replay/mix.json', import.meta.url), 'utf8'))
  const requests = draw(mix)
  const origin = await startOrigin(mix)
  const missed = []
  const rows = []
  for (const [name, vars] of SITES) {
    console.error(`${requests.length} requests, ${name} …`)
    origin.seen = 0
    const worker = await startWorker({ ORIGIN: origin.url, HOSTS: [], ...vars })
    const foreign = await replay(worker.url, requests)
    await worker.stop()
    rows.push(`| ${name} | ${(100 * (1 - origin.seen / requests.length)).toFixed(1)} % | ${origin.seen} |`)
    if (foreign > 0) missed.push(`${name}: ${foreign} answers were somebody else's`)
    if (rows.length === 1 && origin.seen > GOAL * requests.length) missed.push(`${name}: the origin saw ${origin.seen}`)
  }
  origin.stop()
  console.log([
    `| ${requests.length} requests for ${mix.urls} pages | hits | requests the origin saw |`,
    '|---|---:|---:|',
    ...rows,
    '| a public report of a Django site behind a plain CDN rule | 1.8 % | 18574 of 18905 |'
  ].join('\n'))
  missed.forEach(what => console.error(`bench-replay: ${what}`))
  process.exitCode = missed.length ? 1 : 0
}

// As `about` in the mix says.
const draw = mix => {
  let state = mix.seed >>> 0
  const random = () => {
    state = (state ^ (state << 13)) >>> 0
    state = (state ^ (state >>> 17)) >>> 0
    state = (state ^ (state << 5)) >>> 0
    return state / 4294967296
  }
  const percent = share => random() * 100 < share
  return Array.from({ length: mix.requests }, () => {
    const r = random()
    const path = `/${Math.floor(mix.urls * r * r * r)}`
    const signedIn = percent(mix.sessions_percent)
    const visitor = Math.floor(random() * mix.signed_in)
    const cookies = signedIn ? [`sessionid=s${visitor}`] : []
    if (percent(mix.csrftoken_percent) || signedIn) cookies.push(`csrftoken=t${visitor}`)
    if (percent(mix.analytics_percent)) cookies.push(`_ga=GA1.1.${visitor}`, `_gid=GA1.2.${visitor}`)
    return { path, cookie: cookies.join('; '), own: signedIn ? `of s${visitor}` : 'public' }
  })
}

// Every page shows who is signed in, and varies by cookie for it; one with a form holds its visitor's token.
const startOrigin = async mix => {
  const origin = { seen: 0 }
  const server = http.createServer((request, response) => {
    origin.seen++
    const cookies = Object.fromEntries((request.headers.cookie ?? '').split('; ').map(pair => pair.split('=')))
    const hasForm = Number(request.url.slice(1)) >= mix.urls - mix.forms
    response.setHeader('Vary', 'Cookie')
    response.setHeader('Cache-Control', hasForm ? 'private' : 'max-age=600')
    if (hasForm && !cookies.csrftoken) response.setHeader('Set-Cookie', 'csrftoken=new')
    response.end(`${cookies.sessionid ? `of ${cookies.sessionid}` : 'public'} ${hasForm ? cookies.csrftoken ?? 'new' : ''}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin.url = `http://127.0.0.1:${server.address().port}`
  origin.stop = () => server.close()
  return origin
}

// How many answers were somebody else's.
const replay = async (url, requests) => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONCURRENCY })
  let next = 0
  let foreign = 0
  const visit = async () => {
    while (next < requests.length) {
      const { path, cookie, own } = requests[next++]
      const body = await get(url + path, cookie, agent)
      const [, who, token] = /^(.*) (.*)$/.exec(body) ?? []
      const isTheirs = who === own && (!token || token === 'new' || cookie.includes(`csrftoken=${token}`))
      if (!isTheirs) foreign++
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, visit))
  agent.destroy()
  return foreign
}

const get = (url, cookie, agent) => new Promise((resolve, reject) => {
  const request = http.get(url, { agent, headers: { host: 'site.test', ...cookie && { cookie } } }, response => {
    const pieces = []
    response.on('data', piece => pieces.push(piece))
    response.on('end', () => resolve(Buffer.concat(pieces).toString()))
    response.on('error', reject)
  })
  request.on('error', reject)
})

await main()
