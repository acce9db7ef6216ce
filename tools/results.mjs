// bench/results.json, section by section, and the tables that are made of it: bench/results.md.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { root } from './processes.mjs'

const folder = path.join(root, 'bench')
const file = path.join(folder, 'results.json')

// Puts sections in the place of what was measured before, and leaves the others and pairs that were not measured now. Returns the tables of
// what was.
export const note = async ({ pairs = {}, ...sections }) => {
  const before = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'))
  const results = { ...before, machine: machine(), ...sections, pairs: { ...before.pairs, ...pairs } }
  await mkdir(folder, { recursive: true })
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`)
  await writeFile(path.join(folder, 'results.md'), tables(results))
  return tables({ machine: machine(), ...sections, pairs })
}

const tables = results => [...pairTable(results), ...memoryLine(results), ...growthTable(results)].join('\n')

const machine = () => `${os.cpus().length} cores, ${os.cpus()[0].model.trim()}, Node ${process.version}`

const pairTable = ({ machine, rounds, seconds, pairs, firstByte }) => rounds === undefined ? [] : [
  '| pair | ratio | spread | goal | Larder /s | p50 ms | p99 ms | CPU µs | peer /s | p50 ms | p99 ms | CPU µs |',
  '|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|',
  ...Object.entries(pairs).map(([name, { ratio, spread, goal, larder, peer }]) => row(
    `\`${name}\``, ratio.toFixed(2), spread.map(ratio => ratio.toFixed(2)).join('–'), goal ?? '', ...[larder, peer].flatMap(
      ({ perSecond, p50, p99, cpuMicros }) => [Math.round(perSecond), p50.toFixed(2), p99.toFixed(2), cpuMicros.toFixed(0)])
  )),
  '',
  ...firstByte ? [`First byte of a miss before an origin that takes 50 ms: ${firstByte.later.toFixed(1)} ms later than passed through.`, ''] : [],
  `${machine}; ${rounds} rounds of ${seconds} s, 32 connections, in turn.`,
  ''
]

const memoryLine = ({ memoryGrowth }) =>
  memoryGrowth ? [`Memory over ${memoryGrowth.requests} hits: ${memoryGrowth.mebibytes.join(', ')} MiB.`, ''] : []

const growthTable = ({ growth = [] }) => growth.length === 0 ? [] : [
  '| what grows | how it was measured | from | to | ratio | goal |',
  '|---|---|---:|---:|---:|---:|',
  ...growth.map(({ name, unit, from, to, ratio, goal }) => row(name, unit, from, to, ratio.toFixed(2), goal ?? '')),
  ''
]

const row = (...cells) => `| ${cells.join(' | ')} |`
