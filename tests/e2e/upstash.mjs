// A gateway before Redis that speaks Upstash's REST dialect (https://upstash.com/docs/redis/features/restapi), on a port of its own,
// until standard input ends: a command or a pipeline of them as JSON in the body of a POST, the two forms that Larder uses.
//
// Reads one line of JSON: { redisPort, token, port }. Writes one line of JSON: { port }.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { ask, RedisError } from '../../tools/resp.mjs'

// An answer other than 200.
class Refusal extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

const answer = async request => {
  if (request.headers.authorization !== `Bearer ${options.token}`) throw new Refusal(401, 'Unauthorized')
  if (request.method !== 'POST') throw new Refusal(405, 'Method not allowed')
  const run = ENDPOINTS[request.url]
  if (!run) throw new Refusal(404, 'Not found')
  return run(await readBody(request), textIn(request.headers['upstash-encoding']))
}

const readBody = async request => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    throw new Refusal(400, 'ERR failed to parse the body as JSON')
  }
}

const runOne = async (command, text) => {
  const [outcome] = await runAll([command], text)
  if ('error' in outcome) throw new Refusal(400, outcome.error)
  return outcome
}

const runAll = async (commands, text) => {
  if (!Array.isArray(commands) || !commands.every(isCommand)) throw new Refusal(400, 'ERR failed to parse the command')
  const replies = await ask(options.redisPort, commands)
  return replies.map(reply => reply instanceof RedisError ? { error: reply.message } : { result: toJson(reply, text) })
}

const ENDPOINTS = { '/': runOne, '/pipeline': runAll }

const isCommand = words =>
  Array.isArray(words) && words.length > 0 && words.every(word => ['string', 'number', 'boolean'].includes(typeof word))

// How a string is written. JSON has no bytes: what is not UTF-8 is lost unless the client asks for base64.
const textIn = encoding => encoding === 'base64' ? bytes => bytes.toString('base64') : bytes => bytes.toString()

const toJson = (reply, text) => {
  if (Array.isArray(reply)) return reply.map(item => toJson(item, text))
  if (Buffer.isBuffer(reply)) return text(reply)
  // The one string that is never encoded.
  if (typeof reply === 'string' && reply !== 'OK') return text(Buffer.from(reply))
  return reply
}

const serve = async (request, response) => {
  const { status, body } = await answer(request).then(
    body => ({ status: 200, body }),
    error => ({ status: error.status ?? 500, body: { error: error.message } })
  )
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { value: line } = await lines.next()
const options = JSON.parse(line)
const server = createServer(serve).listen(options.port ?? 0, '127.0.0.1')
await once(server, 'listening')
process.stdout.write(JSON.stringify({ port: server.address().port }) + '\n')
await lines.next()
process.exit(0)
