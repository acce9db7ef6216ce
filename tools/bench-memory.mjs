// The memory of the process over a million hits: whether something stays behind, once it is warm. Writes bench/results.json and
// bench/results.md. Fails if it grows; the numbers are written anyway.
import { load, startLarder, startOrigin } from './contenders.mjs'
import { stat } from './processes.mjs'
import { note } from './results.mjs'

const MANY = 1_000_000
// Until then V8 makes room for as much as comes at once.
const WARM_UP = 300_000
const SECONDS = 8
const GOAL = 1.1

const main = async () => {
  const origin = await startOrigin()
  const larder = await startLarder(origin, {})
  try {
    const memoryGrowth = await growth(larder)
    console.log(await note({ memoryGrowth }))
    if (memoryGrowth.missed) {
      console.error(`bench-memory: ${memoryGrowth.missed}`)
      process.exitCode = 1
    }
  } finally {
    await larder.stop()
    await origin.stop()
  }
}

// Each few seconds of them.
const growth = async server => {
  const memory = []
  let [requests, warm] = [0, 0]
  while (requests < MANY) {
    requests += (await load(server, '/4096', { seconds: SECONDS })).requests
    memory.push(Math.round((await stat(server.pid)).memory))
    if (requests >= WARM_UP) warm ||= memory.at(-1)
    console.error(`${requests} requests, ${memory.at(-1)} MiB`)
  }
  const grown = memory.at(-1) / warm
  const missed = grown > GOAL ? `the process grew to ${grown.toFixed(2)} of what it was when it was warm` : undefined
  return { requests, mebibytes: memory, missed }
}

await main()
