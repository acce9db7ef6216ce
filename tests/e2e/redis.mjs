// Runs Redis, or webdis before it, on a port of its own, until standard input ends.
//
// Reads one line of JSON: { server, redisPort, token }, where `server` is "redis" or "webdis". Writes one line of JSON: { port, pid }.
import { createInterface } from 'node:readline'
import { startRedis, startWebdis } from '../../tools/redis.mjs'

const STARTS = { redis: () => startRedis(), webdis: ({ redisPort, token }) => startWebdis(redisPort, token) }

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { value: line } = await lines.next()
const options = JSON.parse(line)
const { port, pid, stop } = await STARTS[options.server](options)
process.stdout.write(JSON.stringify({ port, pid }) + '\n')
await lines.next()
await stop()
process.exit(0)
