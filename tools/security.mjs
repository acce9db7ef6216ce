// Runs the end-to-end security tests, and prints which case of fixtures/security/cases.txt was tried in which states of the cache and how
// it ended. Fails where a case was not tried or is unsafe, where the list is not whole, and where src/manual/security.rs holds another table.
//
//   node tools/security.mjs            the table
//   node tools/security.mjs --write    the same, and the manual gets it
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { root } from './processes.mjs'
import { readClasses, runTrials } from './trials.mjs'

const CASES = 142
const SWEEP = ['cold', 'fresh', 'stale-while-revalidate', 'stale-if-error', 'filling']
const MANUAL = path.join(root, 'src/manual/security.rs')
const TABLE = /(?<=\/\/! <!-- cases: by make security -->\n)[^]*?(?=\/\/! <!-- end of cases -->)/

// What became of each case: { id, title, states, count, outcome }.
const judge = (cases, trials) => {
  const byCase = Map.groupBy(trials, trial => trial.id)
  return cases.map(({ id, title }) => {
    const tried = byCase.get(id) ?? []
    const outcome = tried.length === 0 ? 'not tried' : tried.every(trial => trial.safe) ? 'safe' : 'UNSAFE'
    return { id, title, states: statesOf(tried), count: tried.length, outcome }
  })
}

const statesOf = trials => {
  const seen = new Set(trials.map(trial => trial.state))
  const swept = SWEEP.filter(state => seen.has(state))
  return swept.length === SWEEP.length ? 'all five' : [...swept, ...seen.has('any') ? ['any'] : []].join(', ')
}

const print = judged => {
  for (const { id, title, states, count, outcome } of judged) {
    console.log(`${id}  ${outcome.padEnd(9)}  ${String(count).padStart(5)}  ${states.padEnd(22)}  ${title}`)
  }
}

const mistakes = (judged, trials) => {
  const listed = new Set(judged.map(({ id }) => id))
  return [
    ...judged.filter(({ outcome }) => outcome !== 'safe').map(({ id, title, outcome }) => `${id} is ${outcome}: ${title}`),
    ...trials.filter(({ safe }) => !safe).map(({ id, variant, state }) => `unsafe: ${id} ${variant} (${state})`),
    ...[...new Set(trials.map(({ id }) => id))].filter(id => !listed.has(id)).map(id => `${id} is not in the list of cases`),
    ...judged.length === CASES ? [] : [`the list has ${judged.length} cases, not ${CASES}`],
  ]
}

// For the manual: a table for each class.
const table = (classes, judged) => {
  const rows = new Map(judged.map(one => [one.id, one]))
  const lines = classes.flatMap(({ title, cases }) => [
    '', `## ${title[0].toUpperCase()}${title.slice(1)}`, '', '| case | what is tried | states | trials |', '|---|---|---|---:|',
    ...cases.map(({ id }) => rows.get(id)).map(({ id, title, states, count }) => `| ${id} | ${title} | ${states} | ${count} |`),
  ])
  return [...lines.slice(1), ''].map(line => `//! ${line}`.trimEnd() + '\n').join('')
}

const classes = readClasses()
const { passed, trials } = await runTrials('security::')
const judged = judge(classes.flatMap(({ cases }) => cases), trials)
print(judged)
const wrong = mistakes(judged, trials)
if (!passed) wrong.push('a test failed; what it says is above')
const manual = readFileSync(MANUAL, 'utf8')
const current = manual.replace(TABLE, () => table(classes, judged))
if (process.argv.includes('--write')) writeFileSync(MANUAL, current)
else if (manual !== current) wrong.push('src/manual/security.rs holds another table: node tools/security.mjs --write')
console.log(`${judged.length} cases, ${trials.length} executions, ${trials.filter(({ safe }) => !safe).length} unsafe`)
if (wrong.length > 0) {
  console.error(wrong.join('\n'))
  process.exitCode = 1
}
