// What a hundred thousand purges cost: hits beside those of a Worker whose ledger is empty, in turn; and the first request of a Worker that
// begins, which reads all of them, in CPU of the whole process, the ledger's own part among it. Fails if hits suffer.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { load, startLarder, startOrigin } from './contenders.mjs'
import { stat } from './processes.mjs'

const PURGES = 100_000
const A_CALL = 1000
const ROUNDS = 7
const SECONDS = 1
const COLD_STARTS = 5
const GOAL = 0.95
const TARGET = '/4096'

const main = async () => {
  const origin = await startOrigin()
  const folder = await mkdtemp(path.join(tmpdir(), 'larder-ledger-'))
  const [full, empty] = ['full', 'empty'].map(name => path.join(folder, name))
  const start = persist => startLarder(origin, { ADMIN_TOKEN: 'admin' }, { resourcePersistencePath: persist })
  try {
    const servers = [await start(full), await start(empty)]
    console.error(`${PURGES} purges …`)
    for (let from = 0; from < PURGES; from += A_CALL) await purge(servers[0], from)
    const ratios = await hits(servers)
    for (const server of servers) await server.stop()
    console.error(`${COLD_STARTS} cold starts of each …`)
    const cold = [[], []]
    for (let round = 0; round < COLD_STARTS; round++) {
      for (const [at, persist] of [full, empty].entries()) cold[at].push(await firstRequest(await start(persist)))
    }
    const middle = (at, figure) => median(cold[at].map(round => round[figure]))
    console.log([
      `| with ${PURGES} purges, beside none | median | spread |`,
      '|---|---:|---:|',
      `| hits a second, ratio | ${median(ratios).toFixed(3)} | ${Math.min(...ratios).toFixed(3)}–${Math.max(...ratios).toFixed(3)} |`,
      '',
      '| first request of a Worker that begins | ms until it is answered | ms of CPU, ledger and Worker together |',
      '|---|---:|---:|',
      ...[[0, `${PURGES} purges`], [1, 'none']].map(([at, name]) => `| ${name} | ${middle(at, 'wall').toFixed(0)} | ${middle(at, 'cpu').toFixed(0)} |`)
    ].join('\n'))
    if (median(ratios) < GOAL) {
      console.error(`bench-ledger: hits are down to ${median(ratios).toFixed(3)}, not ${GOAL}`)
      process.exitCode = 1
    }
  } finally {
    await origin.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

const purge = async (server, from) => {
  const tags = Array.from({ length: A_CALL }, (_, number) => `tag-${from + number}`)
  const response = await fetch(`${server.url}/_larder/purge`, {
    method: 'POST', headers: { authorization: 'Bearer admin' }, body: JSON.stringify({ tags })
  })
  if (response.status !== 200) throw new Error(`the purge was answered ${response.status} ${await response.text()}`)
  await response.arrayBuffer()
}

const hits = async ([full, empty]) => {
  for (const server of [full, empty]) await load(server, TARGET, { seconds: SECONDS })
  const ratios = []
  for (let round = 0; round < ROUNDS; round++) {
    const one = await load(full, TARGET, { seconds: SECONDS })
    const other = await load(empty, TARGET, { seconds: SECONDS })
    ratios.push(one.perSecond / other.perSecond)
    console.error(`hits: ${ratios.at(-1).toFixed(3)}`)
  }
  return ratios
}

// The settings are read and the code is compiled by the one before it, which asks for no page.
const firstRequest = async server => {
  await (await fetch(`${server.url}/_larder/health`)).arrayBuffer()
  const [before, began] = [await stat(server.pid), performance.now()]
  await (await fetch(server.url + TARGET)).arrayBuffer()
  const wall = performance.now() - began
  const after = await stat(server.pid)
  await server.stop()
  return { wall, cpu: (after.cpu - before.cpu) * 1000 }
}

const median = numbers => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]

await main()
