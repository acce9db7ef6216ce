// A page that is one for all but for its fragments.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { numberOn, startSite } from './support.mjs'

let site
before(async () => { site = await startSite() })
after(() => site?.stop())

const shown = async (page, target) => {
  await page.goto(target)
  const [number, ...texts] = [
    await numberOn(page), ...await Promise.all(['#who', '#hello', '#article'].map(id => page.locator(id).textContent()))
  ]
  return { number, texts }
}

test('everybody gets the same page, greeted by name and in their language', async () => {
  const visitors = [
    [await site.user('alice'), 'alice', 'Hello'],
    [await site.user('bob'), 'bob', 'Hello'],
    [await site.visitor(), 'anonymous', 'Hello']
  ]
  const numbers = new Set()
  for (const [page, who, hello] of [...visitors, ...visitors]) {
    const { number, texts } = await shown(page, '/front/')
    numbers.add(number)
    assert.deepEqual(texts.slice(0, 2), [who, hello])
  }
  assert.equal(numbers.size, 1)
  assert.equal((await site.originSaw('/front/')).length, 1)
  const readers = await site.originSaw('/fragment/reader/')
  assert.deepEqual(readers.map(request => request.cookies), [['sessionid'], ['sessionid'], []])
  assert.deepEqual((await site.originSaw('/fragment/hello/')).map(request => request.cookies), [[]])
})

test('a visitor who reads German is greeted in German, by a page that is cached for those', async () => {
  for (let visitor = 0; visitor < 2; visitor++) {
    const page = await site.visitor({ locale: 'de-DE' })
    const { texts } = await shown(page, '/front/?journey=german')
    assert.deepEqual(texts.slice(0, 2), ['anonymous', 'Guten Tag'])
    assert.equal((await site.originSaw('/front/?journey=german')).length, 1)
  }
})

test('the query chooses the article, and one that is not there takes nothing else away', async () => {
  const page = await site.visitor()
  const first = (await shown(page, '/front/?pk=1')).texts[2]
  assert.notEqual(first, 'no such article')
  const missing = await shown(page, '/front/?pk=999')
  assert.deepEqual(missing.texts, ['anonymous', 'Hello', 'no such article'])
})

test('a browser never keeps the page of the one who was here before', async () => {
  const page = await site.user('alice')
  await shown(page, '/front/')
  await page.goto('/account/')
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL('**/dashboard/')
  assert.equal((await shown(page, '/front/')).texts[0], 'anonymous')
})
