// One cache, two ways to it: Django with django-redis and its JSON serializer, and Larder's low-level API, over the same Redis.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startCacheLine } from '../../fixtures/django/start.mjs'
import { until } from '../../tools/processes.mjs'
import { startRedis, startUpstash, startWebdis } from '../../tools/redis.mjs'
import { startWorker } from './worker.mjs'

const PREFIX = 'shop'
const TOKEN = 'admin-token'
const VALUES = {
  whole: 7,
  negative: -12,
  large: 9007199254740993n,
  fraction: 0.1,
  text: 'Grüße, "quoted"',
  digits: '42',
  nothing: null,
  yes: true,
  list: [1, 'two', { three: 3 }],
  record: { title: 'Ärger', tags: ['a', 'b'], nested: { deep: [null] } }
}

// JSON with whole numbers of any size.
const write = value => typeof value === 'bigint' ? `${value}` : JSON.stringify(value)

const started = []
let url, redis, django

before(async () => {
  const begin = async starting => {
    const one = await starting
    started.push(one)
    return one
  }
  redis = await begin(startRedis())
  const webdis = await begin(startWebdis(redis.port))
  const upstash = await begin(startUpstash(redis.port))
  const vars = {
    ORIGIN: 'http://127.0.0.1:9',
    HOSTS: [],
    KEY_PREFIX: PREFIX,
    REDIS: {
      webdis: { protocol: 'webdis', url: webdis.url },
      upstash: { protocol: 'upstash', url: upstash.url }
    },
    CACHES: {
      webdis: { tiers: ['redis'], redis: 'webdis', version: 3 },
      upstash: { tiers: ['redis'], redis: 'upstash', version: 3 }
    }
  }
  const secrets = { ADMIN_TOKEN: TOKEN, REDIS_TOKEN_WEBDIS: webdis.token, REDIS_TOKEN_UPSTASH: upstash.token }
  url = (await begin(startWorker(vars, { secrets }))).url
  django = await begin(startCacheLine(`redis://127.0.0.1:${redis.port}/0`, PREFIX, 3))
})

after(async () => {
  for (const one of started.reverse()) await one.stop()
})

for (const alias of ['webdis', 'upstash']) {
  describe(`behind ${alias}`, () => {
    const ask = async (method, path, body) => {
      const headers = { authorization: `Bearer ${TOKEN}` }
      const response = await fetch(`${url}/_larder/cache/${alias}/${path}`, { method, headers, body })
      return { status: response.status, text: await response.text(), ttl: response.headers.get('larder-ttl') }
    }
    const all = async (method, path, found = []) => {
      for (let cursor = '', page; cursor !== undefined; cursor = page.cursor && `?cursor=${encodeURIComponent(page.cursor)}`) {
        page = JSON.parse((await ask(method, path + cursor)).text)
        found.push(...page.keys ?? [page.deleted])
      }
      return found
    }

    test('Django reads what the edge sets', async () => {
      for (const [key, value] of Object.entries(VALUES)) {
        assert.equal((await ask('PUT', `keys/${key}?ttl=600`, write(value))).status, 204)
        assert.equal(write(await django.call('get', [key])), write(value), key)
        assert.ok(Math.abs(await django.call('ttl', [key]) - 600) <= 1, key)
      }
      const { large: _, ...values } = VALUES
      assert.equal((await ask('POST', 'many', JSON.stringify({ set: values, ttl: null }))).status, 200)
      assert.deepEqual(await django.call('get_many', [Object.keys(values)]), values)
      assert.equal(await django.call('ttl', ['text']), null)
    })

    test('the edge reads what Django sets', async () => {
      for (const [key, value] of Object.entries(VALUES)) {
        await django.call('set', [key, value], { timeout: 300 })
        const { status, text, ttl } = await ask('GET', `keys/${key}`)
        assert.deepEqual([status, ttl], [200, '300'], key)
        if (typeof value === 'bigint') assert.equal(text, `${value}`)
        else assert.deepEqual(JSON.parse(text), value, key)
      }
      const { large: _, ...values } = VALUES
      await django.call('set_many', [values])
      const found = JSON.parse((await ask('POST', 'many', JSON.stringify({ get: [...Object.keys(values), 'absent'] }))).text)
      assert.deepEqual(found, { values })
      await django.call('set', ['endless', 1], { timeout: null })
      assert.equal((await ask('HEAD', 'keys/endless')).ttl, 'none')
    })

    test('increments from both sides add up', async () => {
      await django.call('set', ['counter', 0], { timeout: 600 })
      const edge = Array.from({ length: 100 }, () => ask('POST', 'keys/counter/incr?by=2'))
      const site = Array.from({ length: 100 }, () => django.call('incr', ['counter']))
      await Promise.all([...edge, ...site])
      assert.equal(await django.call('get', ['counter']), 300)
      assert.equal((await ask('GET', 'keys/counter')).text, '300')
      assert.equal((await ask('POST', 'keys/counter/incr?by=-1')).text, '299')
      assert.equal(await django.call('decr', ['counter', 9]), 290)
      assert.equal((await ask('POST', 'keys/uncounted/incr')).status, 404)
      await assert.rejects(django.call('incr', ['uncounted']), /ValueError/)
    })

    test('what one side deletes by pattern is gone for both', async () => {
      const keys = ['article:1', 'article:2', 'article:[3]', 'author:1']
      const setAll = () => django.call('set_many', [Object.fromEntries(keys.map(key => [key, key]))])
      const articles = keys.slice(0, 3)
      for (const remove of [
        async () => assert.deepEqual(await all('DELETE', 'pattern/article:*'), [3]),
        async () => assert.equal(await django.call('delete_pattern', ['article:*']), 3)
      ]) {
        await setAll()
        assert.deepEqual((await all('GET', 'pattern/article:*')).sort(), articles)
        assert.deepEqual((await django.call('keys', ['article:*'])).sort(), articles)
        await remove()
        assert.deepEqual(await all('GET', 'pattern/article:*'), [])
        assert.deepEqual(await django.call('keys', ['article:*']), [])
        assert.equal(JSON.parse((await ask('GET', 'keys/author:1')).text), 'author:1')
        assert.equal(await django.call('get', ['author:1']), 'author:1')
      }
    })

    test('the other verbs mean the same on both sides', async () => {
      await ask('DELETE', 'keys/k')
      assert.equal((await ask('PUT', 'keys/k?nx=1', '1')).status, 201)
      assert.equal(await django.call('add', ['k', 2]), false)
      assert.equal(await django.call('delete', ['k']), true)
      assert.equal(await django.call('add', ['k', 2]), true)
      assert.equal((await ask('PUT', 'keys/k?nx=1', '1')).status, 409)
      assert.equal((await ask('POST', 'keys/k/touch?ttl=77')).status, 204)
      assert.equal(await django.call('ttl', ['k']), 77)
      await django.call('touch', ['k', 88])
      assert.equal((await ask('HEAD', 'keys/k')).ttl, '88')
      assert.equal((await ask('POST', 'version/k')).text, '{"version":4}')
      assert.equal(await django.call('get', ['k'], { version: 4 }), 2)
      assert.equal(await django.call('incr_version', ['k'], { version: 4 }), 5)
      assert.deepEqual(await ask('GET', 'keys/k?version=5'), { status: 200, text: '2', ttl: '88' })
      assert.equal((await ask('DELETE', 'keys/k?version=5')).status, 204)
      assert.equal(await django.call('has_key', ['k'], { version: 5 }), false)
    })

    test('Django sees what a lease filled, ends it by setting, and what it deleted is not stale', async () => {
      const lease = async () => {
        const { status, text } = await ask('POST', 'keys/page/lease?wait=0&ttl=30')
        return status === 202 ? { token: JSON.parse(text).token } : { text }
      }
      await ask('DELETE', 'keys/page')
      const { token } = await lease()
      assert.equal((await ask('PUT', `keys/page?lease=${token}&ttl=60`, '"made"')).status, 204)
      assert.equal(await django.call('get', ['page']), 'made')
      assert.equal(await django.call('delete', ['page']), true)
      const first = await lease()
      assert.deepEqual([await lease(), 'text' in first], [first, false])
      await django.call('set', ['page', 'by Django'])
      assert.deepEqual(await lease(), { text: '"by Django"' })
    })

    test('what ends, ends for both', async () => {
      await ask('PUT', 'keys/short?ttl=1', '1')
      await until(async () => !await django.call('has_key', ['short']), 'the end of a value')
      assert.equal((await ask('GET', 'keys/short')).status, 404)
    })
  })
}
