// Who gets to see a page that was made for somebody.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { numberOn, readerOn, startSite } from './support.mjs'

let site
before(async () => { site = await startSite() })
after(() => site?.stop())

test('the origin makes a public page once for two anonymous visitors', async () => {
  const target = '/public/?journey=once'
  const [first, second] = [await site.visitor(), await site.visitor()]
  await first.goto(target)
  await second.goto(target)
  assert.equal(await numberOn(second), await numberOn(first))
  assert.equal((await site.originSaw(target)).length, 1)
})

test('a page that states no lifetime is made once, because a route gives it one', async () => {
  const target = '/news/?journey=once'
  const [first, second] = [await site.visitor(), await site.user('alice')]
  await first.goto(target)
  await second.goto(target)
  assert.equal(await numberOn(second), await numberOn(first))
  assert.deepEqual((await site.originSaw(target)).map(request => request.cookies), [[]])
})

test('two users never see each other’s dashboard, and each has a copy at the edge', async () => {
  const target = '/dashboard/?journey=users'
  for (const name of ['alice', 'bob']) {
    const page = await site.user(name)
    const sawBefore = (await site.originSaw(target)).length
    await page.goto(target)
    const made = await numberOn(page)
    await page.goto(target)
    assert.equal(await readerOn(page), name)
    assert.equal(await numberOn(page), made)
    const seen = (await site.originSaw(target)).slice(sawBefore)
    assert.deepEqual(seen.map(request => request.cookies), [['sessionid']])
  }
  const stranger = await site.visitor()
  await stranger.goto(target)
  assert.equal(await readerOn(stranger), 'anonymous')
})

test('whoever logs out is not greeted by the dashboard any more', async () => {
  const page = await site.user('alice')
  await page.goto('/dashboard/')
  assert.equal(await readerOn(page), 'alice')
  await page.goto('/account/')
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL('**/dashboard/')
  assert.equal(await readerOn(page), 'anonymous')
  await page.goto('/dashboard/')
  assert.equal(await readerOn(page), 'anonymous')
})

test('a private page is made anew for every visitor', async () => {
  const target = '/private/?journey=private'
  const pages = [await site.user('alice'), await site.user('bob'), await site.visitor(), await site.visitor()]
  const readers = []
  for (const page of pages) {
    await page.goto(target)
    readers.push(await readerOn(page))
  }
  assert.deepEqual(readers, ['alice', 'bob', 'anonymous', 'anonymous'])
  assert.equal((await site.originSaw(target)).length, pages.length)
})

test('a browser keeps a private page for itself', async () => {
  const target = '/private/?journey=browser'
  const page = await site.user('alice')
  await page.goto(target)
  await page.goto('/public/')
  await page.goto(target)
  assert.equal(await readerOn(page), 'alice')
  assert.equal((await site.originSaw(target)).length, 1)
})
