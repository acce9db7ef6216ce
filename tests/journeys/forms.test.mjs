// Forms: what they change is seen at once, and what is cached around them costs nobody the session.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readerOn, startSite } from './support.mjs'

let site
before(async () => { site = await startSite() })
after(() => site?.stop())

const textOf = page => page.locator('#text').textContent()

const save = async (page, article, text) => {
  await page.getByLabel('Text').fill(text)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.waitForURL(`**${article}`)
}

test('a form is accepted, and its user stays logged in, after a cached page that touches the session', async () => {
  const [article, touch] = ['/article/1/', '/touch/?journey=form']
  const page = await site.user('alice')
  await page.goto(`${article}edit/`)
  const other = await page.context().newPage()
  await other.goto(touch)
  assert.equal(await readerOn(other), 'alice')
  await save(page, article, 'Saved after touching the session.')
  assert.equal(await textOf(page), 'Saved after touching the session.')
  await page.goto('/account/')
  assert.equal(await readerOn(page), 'alice')
  // Without its cookies first, as the route says; whole, since Django would have started another session.
  assert.deepEqual((await site.originSaw(touch)).map(request => request.cookies), [[], ['csrftoken', 'sessionid']])
})

test('a page that touches the session is nobody else’s', async () => {
  const touch = '/touch/?journey=users'
  for (const name of ['alice', 'bob']) {
    const page = await site.user(name)
    await page.goto(touch)
    assert.equal(await readerOn(page), name)
    await page.goto(touch)
    assert.equal(await readerOn(page), name)
  }
  const stranger = await site.visitor()
  await stranger.goto(touch)
  assert.equal(await readerOn(stranger), 'anonymous')
})

test('the page that a form redirects to is the new one, although the old one was cached', async () => {
  const article = '/article/2/'
  const [reader, user] = [await site.visitor(), await site.user('alice')]
  await reader.goto(article)
  const readBefore = (await site.originSaw(article)).length
  await user.goto(article)
  assert.equal((await site.originSaw(article)).length, readBefore, 'it is cached')
  await user.goto(`${article}edit/`)
  await save(user, article, 'The second text.')
  assert.equal(await textOf(user), 'The second text.')
  await reader.goto(article)
  assert.equal(await textOf(reader), 'The second text.')
})

test('a form that is refused changes nothing and purges nothing', async () => {
  const article = '/article/3/'
  const [reader, user] = [await site.visitor(), await site.user('bob')]
  await reader.goto(article)
  const text = await textOf(reader)
  await user.goto(`${article}edit/`)
  await user.locator('[name=csrfmiddlewaretoken]').evaluate(field => { field.value = 'forged' })
  await user.getByLabel('Text').fill('Never saved.')
  const [refused] = await Promise.all([
    user.waitForResponse(response => response.request().method() === 'POST'),
    user.getByRole('button', { name: 'Save' }).click()
  ])
  assert.equal(refused.status(), 403)
  await reader.goto(article)
  assert.equal(await textOf(reader), text)
  assert.equal((await site.originSaw(article)).length, 1)
})

// To be an ordinary test as soon as an unsafe request marks stale what is keyed by the identity it carried.
test('the message that a form leaves is on its user’s dashboard, although that was cached', async () => {
  const [article, dashboard] = ['/article/4/', '/dashboard/?journey=message']
  const page = await site.user('alice')
  const messagesOn = async target => {
    await page.goto(target)
    return page.locator('.message').allTextContents()
  }
  assert.deepEqual(await messagesOn(dashboard), [])
  await page.goto(`${article}edit/`)
  await save(page, article, 'Saved with a message.')
  assert.deepEqual(await messagesOn(dashboard), ['Article 4 is saved.'])
  assert.deepEqual(await messagesOn(dashboard), [])
})
