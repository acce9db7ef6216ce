// What a request costs when a site grows: natively in instructions (benches/growth.rs), and how bodies grow in the Worker, in CPU and in
// memory. Notes it in bench/results.json; fails if a goal is missed.
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startLarder, startOrigin } from './contenders.mjs'
import { memoryOf, root, stat } from './processes.mjs'
import { note } from './results.mjs'

const ROUNDS = 5
const KIB = 1024
const SMALL = 4 * KIB
const LARGE = 5 * KIB * KIB
// Enough that a hundredth of a second of CPU is a small part of it, and no more than the runtime cleans up in between.
const BYTES_A_ROUND = 50 * KIB * KIB
const MOST_A_ROUND = 100
const LINEAR_GOAL = 1.3
const MEMORY_GOAL = 3

const main = async () => {
  const { stdout } = await promisify(execFile)('cargo', ['bench', '--quiet', '--bench', 'growth'], { cwd: root })
  const growth = stdout.trim().split('\n').map(line => JSON.parse(line))
  const origin = await startOrigin()
  try {
    growth.push(await cpu(origin), ...await memory(origin))
  } finally {
    await origin.stop()
  }
  console.log(await note({ growth }))
  const missed = growth.filter(({ ratio, goal }) => ratio > goal)
  missed.forEach(({ name, ratio, goal }) => console.error(`bench-growth: ${name}: ${ratio.toFixed(2)}, not ${goal}`))
  process.exitCode = missed.length ? 1 : 0
}

// Each answer is stored in every tier. Beyond what a request costs anyway, a byte of 1 to 5 MiB may cost no more than one of the first MiB.
const cpu = async origin => {
  const larder = await startLarder(origin, {})
  try {
    const sizes = [SMALL, 64 * KIB, KIB * KIB, LARGE]
    const micros = new Map(sizes.map(size => [size, []]))
    for (let round = 0; round <= ROUNDS; round++) {
      for (const size of sizes) {
        const spent = await misses(larder, size, round)
        // The first round is for warming up.
        if (round) micros.get(size).push(spent)
      }
    }
    const [small, , one, large] = sizes.map(size => median(micros.get(size)))
    const slope = (from, to, bytes) => (to - from) / bytes
    const ratio = slope(one, large, LARGE - KIB * KIB) / slope(small, one, KIB * KIB - SMALL)
    const unit = `CPU a byte of a miss: ${sizes.map(size => Math.round(median(micros.get(size)))).join(', ')} µs at 4 KiB, 64 KiB, 1 and 5 MiB`
    return { name: 'bytes of a body', unit, from: SMALL, to: LARGE, ratio, goal: LINEAR_GOAL }
  } finally {
    await larder.stop()
  }
}

// Microseconds of CPU for one.
const misses = async (server, size, round) => {
  const count = Math.min(MOST_A_ROUND, Math.floor(BYTES_A_ROUND / size))
  const before = await stat(server.pid)
  for (let number = 0; number < count; number++) await ask(server, `/${size}?${round}-${number}`, size)
  return ((await stat(server.pid)).cpu - before.cpu) / count * 1e6
}

// How much the process grows at most while one large body is fetched and stored, less what it grows for a small one: a process each, since
// the runtime keeps what it once had. What stands in for the Cache API and KV here is in the same process, so that counts only for the record.
const memory = async origin => {
  const measured = []
  for (const [name, vars, goal] of [
    ['memory for a body', { CACHES: { default: { tiers: ['memory'] } } }, MEMORY_GOAL],
    ['memory for a body, with the stand-ins for the Cache API and KV', {}]
  ]) {
    const bodies = []
    for (let round = 0; round < ROUNDS; round++) {
      const [small, large] = [await peak(origin, vars, SMALL), await peak(origin, vars, LARGE)]
      bodies.push((large - small) / LARGE)
    }
    console.error(`${name}: ${bodies.map(body => body.toFixed(2)).join(', ')}`)
    measured.push({ name, unit: 'memory at the peak, in bodies', from: SMALL, to: LARGE, ratio: median(bodies), goal })
  }
  return measured
}

const peak = async (origin, vars, size) => {
  const larder = await startLarder(origin, vars)
  try {
    for (let number = 0; number < 20; number++) await ask(larder, `/${SMALL}?warm=${number}`, SMALL)
    // From here on the peak counts.
    await writeFile(`/proc/${larder.pid}/clear_refs`, '5')
    const before = await memoryOf(larder.pid)
    await ask(larder, `/${size}?measured`, size)
    // It is stored after the answer.
    await sleep(300)
    return (await memoryOf(larder.pid)).peak - before.now
  } finally {
    await larder.stop()
  }
}

const ask = async (server, target, size) => {
  const response = await fetch(server.url + target)
  let length = 0
  for await (const piece of response.body) length += piece.length
  if (response.status !== 200 || length !== size) throw new Error(`${target}: ${response.status}, ${length} bytes`)
}

const median = numbers => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]

await main()
