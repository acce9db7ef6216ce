// What a page owes to the visitor's request: the language and the host.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { numberOn, startSite } from './support.mjs'

let site
before(async () => { site = await startSite() })
after(() => site?.stop())

test('German visitors get the German page and English ones the English, each made once', async () => {
  const target = '/hello/?journey=language'
  const made = { 'Guten Tag': new Set(), Hello: new Set() }
  for (const [locale, greeting] of [['de-DE', 'Guten Tag'], ['en-GB', 'Hello'], ['de-AT', 'Guten Tag'], ['en-US', 'Hello']]) {
    const page = await site.visitor({ locale })
    const response = await page.goto(target)
    assert.equal(await page.locator('h1').textContent(), greeting)
    assert.equal(response.headers()['content-language'], locale.slice(0, 2))
    made[greeting].add(await numberOn(page))
  }
  assert.deepEqual([made['Guten Tag'].size, made.Hello.size], [1, 1])
  assert.equal((await site.originSaw(target)).length, 2)
})

test('a redirect names the host that the visitor asked for, also when it comes from the cache', async () => {
  const target = '/redirect/?journey=host'
  const byName = site.url.replace('127.0.0.1', 'localhost')
  for (const url of [site.url, byName, site.url, byName]) {
    const page = await site.visitor()
    const response = await page.goto(url + target)
    const redirect = await response.request().redirectedFrom().response()
    assert.equal(redirect.headers().location, `${url}/news/`)
    assert.equal(page.url(), `${url}/news/`)
  }
  const hosts = (await site.originSaw(target)).map(request => `http://${request.host}`)
  assert.deepEqual(hosts, [site.url, byName])
})
