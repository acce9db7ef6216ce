// The list of security cases, and what the end-to-end tests tried of it.
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { root, start } from './processes.mjs'

// As fixtures/security/cases.txt has them: [{ name: 'UI', title, cases: [{ id: 'UI-01', title }] }]
export const readClasses = () => {
  const classes = []
  for (const line of readFileSync(path.join(root, 'fixtures/security/cases.txt'), 'utf8').trim().split('\n')) {
    const [, heading, name, title] = /^(# )?(\S+?):? (.*)$/.exec(line)
    if (heading) classes.push({ name, title, cases: [] })
    else classes.at(-1).cases.push({ id: name, title })
  }
  return classes
}

// Runs the tests whose names contain `filter`. Resolves to { passed, trials: [{ id, variant, state, safe }] }.
export const runTrials = async (filter, { env, stdio = 'inherit' } = {}) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'larder-security-'))
  const table = path.join(folder, 'trials')
  try {
    const cargo = start('cargo', ['test', '--quiet', '--test', 'e2e', filter], {
      env: { ...process.env, ...env, LARDER_SECURITY_TABLE: table }, stdio,
    })
    const [code] = await once(cargo, 'exit')
    return { passed: code === 0, trials: readTrials(table) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const readTrials = table => {
  let text = ''
  try {
    text = readFileSync(table, 'utf8')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  return text.split('\n').filter(Boolean).map(line => {
    const [name, state, outcome] = line.split('\t')
    const [id, ...variant] = name.split(' ')
    return { id, variant: variant.join(' '), state, safe: outcome === 'safe' }
  })
}
