// The known benchmark of Django's cache, `ab -n 100 -c 10` on a page that takes two seconds: direct, with Django's own cache, and
// through Larder. Fails if Larder misses its goals; the numbers are printed anyway.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { policyFor, startDjango } from '../fixtures/django/start.mjs'
import { startWorker } from '../tests/journeys/worker.mjs'
import { root } from './processes.mjs'

const REQUESTS = 100
const CONCURRENCY = 10
const WORKERS = 4

// `warm` asks once before it is measured. `goal` is what Larder has to reach.
const RUNS = [
  { name: 'Django, direct', target: '/slow/' },
  { name: 'Django with its own cache, cold', target: '/slow-cached/' },
  { name: 'Django with its own cache, warm', target: '/slow-cached/?warm', warm: true },
  { name: 'Larder, cold', larder: true, target: '/slow/?cold', goal: { perSecond: 45, originRequests: 1 } },
  { name: 'Larder, warm', larder: true, target: '/slow/?warm', warm: true, goal: { perSecond: 500 } }
]

const main = async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'larder-bench-'))
  const results = []
  try {
    const django = await startDjango({ directory, workers: WORKERS, cache: true })
    const worker = await startWorker(await policyFor(django.url))
    for (const run of RUNS) {
      console.error(`${run.name}: ${REQUESTS} requests, ${CONCURRENCY} at a time …`)
      results.push(await measure(run, django, run.larder ? worker : django))
    }
    await worker.stop()
    await django.stop()
  } finally {
    await rm(directory, { recursive: true })
  }
  await report(results)
  const missed = results.filter(({ missed }) => missed)
  missed.forEach(({ name, missed }) => console.error(`bench-ab: ${name}: ${missed}`))
  process.exitCode = missed.length ? 1 : 0
}

const measure = async (run, django, server) => {
  const url = server.url + run.target
  if (run.warm) await ab(url, 1, 1)
  const seenBefore = (await django.requests()).length
  const { perSecond, failed } = await ab(url, REQUESTS, CONCURRENCY)
  const originRequests = (await django.requests()).length - seenBefore
  const { name, goal } = run
  return { name, perSecond, originRequests, missed: missedBy({ perSecond, originRequests, failed }, goal) }
}

const ab = async (url, requests, concurrency) => {
  // -l: the page holds a number, so its length is not the same each time.
  const { stdout } = await promisify(execFile)('ab', ['-l', '-q', '-n', requests, '-c', concurrency, url])
    .catch(error => { throw error.code === 'ENOENT' ? new Error('ab is not installed; run `make setup` first') : error })
  const number = label => Number(new RegExp(`^${label}:\\s+([\\d.]+)`, 'm').exec(stdout)?.[1] ?? 0)
  return {
    perSecond: number('Requests per second'),
    failed: number('Failed requests') + number('Non-2xx responses') + requests - number('Complete requests')
  }
}

const missedBy = ({ perSecond, originRequests, failed }, goal = {}) => {
  if (failed) return `${failed} requests failed`
  if (perSecond < goal.perSecond) return `${perSecond} requests per second, not ${goal.perSecond}`
  if (goal.originRequests !== undefined && originRequests !== goal.originRequests) {
    return `the origin saw ${originRequests} requests, not ${goal.originRequests}`
  }
  return undefined
}

const report = async results => {
  const rows = results.map(({ name, perSecond, originRequests }) => `| ${name} | ${perSecond} | ${originRequests} |`)
  console.log([
    '| a page of 2 s, `ab -n 100 -c 10`, gunicorn with 4 workers | requests per second | requests the origin saw |',
    '|---|---:|---:|',
    ...rows,
    '',
    'Published for the same test: about 1.7 requests per second direct, 36 with Django’s cache.'
  ].join('\n'))
  const out = path.join(root, 'bench/out')
  await mkdir(out, { recursive: true })
  await writeFile(path.join(out, 'ab.json'), JSON.stringify(results, null, 2) + '\n')
}

await main().catch(error => {
  console.error(`bench-ab: ${error.message}`)
  process.exit(1)
})
