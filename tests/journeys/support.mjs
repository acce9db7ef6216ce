// A Django site, a Larder in front of it, and visitors with browsers of their own.
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { policyFor, startDjango } from '../../fixtures/django/start.mjs'
import { startWorker } from './worker.mjs'

const BROWSER_ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

const PATIENCE_MILLISECONDS = 15_000

// Starts everything. What is started first is stopped last.
export const startSite = async () => {
  const started = []
  const stop = async () => {
    for (const stopOne of started.reverse()) await stopOne()
  }
  const begin = async (starting, stopping) => {
    const one = await starting
    started.push(() => stopping(one))
    return one
  }
  try {
    const directory = await begin(mkdtemp(path.join(tmpdir(), 'larder-journey-')), path => rm(path, { recursive: true }))
    const django = await begin(startDjango({ directory }), django => django.stop())
    const worker = await begin(startWorker(await policyFor(django.url)), worker => worker.stop())
    const browser = await begin(launchBrowser(), browser => browser.close())
    return siteOf({ django, worker, browser, stop })
  } catch (error) {
    await stop()
    throw error
  }
}

const launchBrowser = () => {
  const places = ['/usr/bin', ...process.env.PATH.split(path.delimiter)].map(place => path.join(place, 'chromium'))
  const executablePath = places.find(existsSync)
  if (!executablePath) throw new Error('there is no chromium; run `make setup` first')
  return chromium.launch({ executablePath, args: BROWSER_ARGUMENTS })
}

const siteOf = ({ django, worker, browser, stop }) => ({
  url: worker.url,
  stop,

  // A visitor who was never here: no cookies, nothing in the browser's cache.
  async visitor (options = {}) {
    const context = await browser.newContext({ baseURL: worker.url, locale: 'en-US', ...options })
    context.setDefaultTimeout(PATIENCE_MILLISECONDS)
    return context.newPage()
  },

  // A visitor who has logged in.
  async user (name) {
    const page = await this.visitor()
    await page.goto('/login/')
    await page.getByLabel('Username').fill(name)
    await page.getByLabel('Password').fill(`${name}-password`)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.waitForURL('**/dashboard/')
    return page
  },

  // The requests for `target` (a path with its query) that reached Django.
  async originSaw (target) {
    const requests = await django.requests()
    return requests.filter(request => request.path === target)
  }
})

// The number of the request that a page was made for: two views with one number are one rendering.
export const numberOn = async page => Number(await page.locator('#number').textContent())

// Whom a page was made for.
export const readerOn = page => page.locator('#reader').textContent()

// What goes over the wire for the page's documents, which its browser, that answers from its own cache too, does not tell otherwise.
export const wiretap = async page => {
  const session = await page.context().newCDPSession(page)
  const exchanges = []
  session.on('Network.requestWillBeSentExtraInfo', ({ requestId, headers }) => exchanges.push({ requestId, asked: headers }))
  session.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode, headers }) => {
    Object.assign(exchanges.findLast(exchange => exchange.requestId === requestId), { status: statusCode, answered: headers })
  })
  await session.send('Network.enable')
  return exchanges
}
