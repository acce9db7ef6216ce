// Runs the community's tests for HTTP caches against the built Worker, counts what passes, dependencies honoured, and fails where
// that is not what conformance.json says, an unexpected pass too, or where README.md holds another score.
//
//   node tools/conformance.mjs            the score, and every test that does not pass, with the reason
//   node tools/conformance.mjs --write    the same, and README.md gets the score
//   node tools/conformance.mjs TEST-ID    one test, with what client and server saw
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { answers, freePort, node, root, start, stop } from './processes.mjs'
import { startWorker } from '../tests/journeys/worker.mjs'

const suite = path.join(root, 'node_modules/http-cache-tests')
const load = file => import(path.join(suite, file))

// What the tests take for granted of a cache, as configuration.
const SITE = { heuristic: true, forward_header: ['*'], collapse: 'off', jitter: '0', stale_if_error: '1h' }

const startServer = async () => {
  const port = await freePort()
  const env = { ...process.env, npm_config_port: port, npm_config_protocol: 'http', npm_config_pidfile: '/dev/null' }
  const server = start(node, [path.join(suite, 'server/server.mjs')], { cwd: suite, env, stdio: ['ignore', 'ignore', 'ignore'] })
  await answers(server, `http://127.0.0.1:${port}/`)
  return { url: `http://127.0.0.1:${port}`, stop: () => stop(server) }
}

const readSuites = async only => {
  const { default: suites } = await load('tests/index.mjs')
  const { default: surrogate } = await load('tests/surrogate-control.mjs')
  // Tests for browsers are no business of ours.
  const shared = [...suites, surrogate].map(suite => ({ ...suite, tests: suite.tests.filter(test => !test.browser_only) }))
  if (!only) return shared
  const chosen = shared.map(suite => ({ ...suite, tests: suite.tests.filter(test => test.id === only) }))
  chosen.flatMap(suite => suite.tests).forEach(test => { test.dump = true })
  return chosen
}

const run = async (suites, url) => {
  const { runTests, getResults } = await load('client/runner.mjs')
  const { default: fetch } = await import('node-fetch')
  await runTests(suites, fetch, false, url)
  return getResults()
}

// A test passes if it did and what it rests on did too.
const judge = (suites, results) => {
  const tests = new Map(suites.flatMap(suite => suite.tests).map(test => [test.id, test]))
  const passes = id => results[id] === true && (tests.get(id).depends_on ?? []).every(other => !tests.has(other) || passes(other))
  return [...tests.values()].map(test => ({ id: test.id, kind: test.kind ?? 'required', passed: passes(test.id), why: results[test.id] }))
}

const score = (judged, kind) => {
  const all = judged.filter(test => test.kind === kind)
  return `${all.filter(test => test.passed).length} of ${all.length}`
}

const report = (judged, expected) => {
  for (const { id, kind, why } of judged.filter(test => !test.passed && test.kind !== 'check')) {
    const seen = why === true ? 'rests on a test that does not pass' : why?.[1] ?? 'did not run'
    console.log(`  ${kind.padEnd(8)} ${id}: ${expected[id] ?? `UNEXPECTED: ${seen}`}`)
  }
  for (const kind of ['required', 'optimal', 'check']) console.log(`${kind}: ${score(judged, kind)}`)
}

// What differs from the expected: failures without a reason, and reasons without a failure.
const surprises = (judged, expected) => {
  const failed = new Set(judged.filter(test => !test.passed && test.kind !== 'check').map(test => test.id))
  return [
    ...[...failed].filter(id => !(id in expected)).map(id => `${id} fails unexpectedly`),
    ...Object.keys(expected).filter(id => !failed.has(id)).map(id => `${id} passes: take it off conformance.json`),
  ]
}

// Ours beside the published ones, and what stands between us and all of them.
const table = (judged, { suite, failures, published }) => {
  const version = /^version = "(.*)"$/m.exec(readFileSync(path.join(root, 'Cargo.toml'), 'utf8'))[1]
  const kinds = new Map(judged.map(test => [test.id, test.kind]))
  const reasons = Map.groupBy(Object.keys(failures), id => failures[id])
  const count = (ids, kind) => ids.filter(id => kinds.get(id) === kind).length || ''
  return [
    '| cache | version | suite | required | optimal |',
    '|---|---|---|---|---|',
    `| **Larder** | ${version} | ${suite} | ${score(judged, 'required')} | ${score(judged, 'optimal')} |`,
    ...published.caches.map(([name, version, required]) => `| ${name} | ${version} | ${published.suite} | ${required} | ${published.optimal} |`),
    '',
    `The others are as published at ${published.source}.`,
    '',
    '| required | optimal | why Larder does not pass them |',
    '|---|---|---|',
    ...[...reasons].map(([reason, ids]) => `| ${count(ids, 'required')} | ${count(ids, 'optimal')} | ${reason} |`),
    '',
  ].join('\n')
}

const README = path.join(root, 'README.md')
const SCORE = /(?<=<!-- score: by make conformance -->\n)[^]*?(?=<!-- end of score -->)/

const only = process.argv.slice(2).find(argument => !argument.startsWith('--'))
const server = await startServer()
const worker = await startWorker({ ORIGIN: server.url, HOSTS: [], SITE })
try {
  const suites = await readSuites(only)
  const judged = judge(suites, await run(suites, worker.url))
  const expected = JSON.parse(readFileSync(new URL('conformance.json', import.meta.url)))
  report(judged, expected.failures)
  const different = only ? [] : surprises(judged, expected.failures)
  const readme = readFileSync(README, 'utf8')
  const current = only ? readme : readme.replace(SCORE, () => table(judged, expected))
  if (process.argv.includes('--write')) writeFileSync(README, current)
  else if (readme !== current) different.push('README.md holds another score: node tools/conformance.mjs --write')
  if (different.length > 0) {
    console.error(different.join('\n'))
    process.exitCode = 1
  }
} finally {
  await Promise.all([worker.stop(), server.stop()])
}
