// Runs Redis, webdis before it, or memcached, on a port of its own, until standard input ends.
//
// Reads one line of JSON: { server, redisPort, token }, where `server` is "redis", "webdis" or "memcached". Writes one line of JSON: { port, pid }.
import { createInterface } from 'node:readline'
import { startMemcached } from '../../tools/memcached.mjs'
import { startRedis, startWebdis } from '../../tools/redis.mjs'

const STARTS = { redis: () => startRedis(), webdis: ({ redisPort, token }) => startWebdis(redisPort, token), memcached: () => startMemcached() }

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { value: line } = await lines.next()
const options = JSON.parse(line)
const { port, pid, stop } = await STARTS[options.server](options)
process.stdout.write(JSON.stringify({ port, pid }) + '\n')
await lines.next()
await stop()
process.exit(0)
