// Browsers that ask whether what they have still holds.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../../tools/processes.mjs'
import { numberOn, startSite, wiretap } from './support.mjs'

let site
before(async () => { site = await startSite() })
after(() => site?.stop())

const answered = (exchanges, count) =>
  until(() => exchanges.filter(exchange => exchange.status).length === count, `${count} answers on the wire`)

test('a reload of a page that is fresh at the edge is answered 304, and the origin is not asked', async () => {
  const target = '/etag/?journey=reload'
  const page = await site.visitor()
  const exchanges = await wiretap(page)
  await page.goto(target)
  const made = await numberOn(page)
  await page.reload()
  await answered(exchanges, 2)
  const [first, second] = exchanges
  assert.equal(first.status, 200)
  assert.equal(second.asked['If-None-Match'], first.answered.ETag)
  assert.equal(second.status, 304)
  assert.equal(await numberOn(page), made)
  assert.equal((await site.originSaw(target)).length, 1)
})

test('a browser that may keep a page for no time asks for it each time, and the edge answers 304', async () => {
  const target = '/news/?journey=revisit'
  const page = await site.visitor()
  const exchanges = await wiretap(page)
  await page.goto(target)
  await page.goto('about:blank')
  await page.goto(target)
  await answered(exchanges, 2)
  assert.deepEqual(exchanges.map(exchange => exchange.status), [200, 304])
  assert.equal((await site.originSaw(target)).length, 1)
})

test('a reload of an older page is answered 304 by its condition at the origin, without a page being made', async () => {
  const target = '/article/1/?journey=condition'
  const page = await site.visitor()
  const exchanges = await wiretap(page)
  await page.goto(target)
  const made = await numberOn(page)
  // A reload asks for a page that is at most 0 seconds old; within the first second, the stored one is.
  await until(async () => {
    await page.reload()
    return (await site.originSaw(target)).length > 1
  }, 'a reload that the origin sees')
  await until(() => exchanges.at(-1).status, 'the last answer on the wire')
  assert.equal(exchanges.at(-1).status, 304)
  assert.equal(await numberOn(page), made)
  assert.deepEqual((await site.originSaw(target)).map(request => request.status), [200, 304])
})
