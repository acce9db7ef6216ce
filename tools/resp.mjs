// Commands to Redis and its replies, over TCP: RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/).
import { connect } from 'node:net'

export class RedisError extends Error {}

// Sends commands together, each an array of strings or numbers, and returns the reply to each. A simple string becomes a string, a bulk
// string a Buffer, an error a RedisError, the rest what JSON has for it.
export const ask = async (port, commands) => {
  const socket = connect(port, '127.0.0.1')
  try {
    const input = new Input(socket)
    socket.write(Buffer.concat(commands.map(encode)))
    const replies = []
    for (const _ of commands) replies.push(await readReply(input))
    return replies
  } finally {
    socket.destroy()
  }
}

const encode = command => {
  const bulk = word => {
    const bytes = Buffer.from(String(word))
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]
  }
  return Buffer.concat([Buffer.from(`*${command.length}\r\n`), ...command.flatMap(bulk)])
}

const readReply = async input => {
  const line = await input.line()
  const rest = line.slice(1)
  switch (line[0]) {
    case '+': return rest
    case '-': return new RedisError(rest)
    case ':': return Number(rest)
    case '$': return rest === '-1' ? null : input.bytes(Number(rest))
    case '*': return rest === '-1' ? null : readReplies(input, Number(rest))
    default: throw new Error(`Redis does not speak RESP2: ${line}`)
  }
}

const readReplies = async (input, count) => {
  const replies = []
  while (replies.length < count) replies.push(await readReply(input))
  return replies
}

// What a socket receives, by line and by length.
class Input {
  constructor(socket) {
    this.chunks = socket[Symbol.asyncIterator]()
    this.rest = Buffer.alloc(0)
  }

  async line() {
    while (!this.rest.includes('\r\n')) await this.fill(this.rest.length + 1)
    const end = this.rest.indexOf('\r\n')
    return this.take(end + 2).toString('utf8', 0, end)
  }

  async bytes(length) {
    await this.fill(length + 2)
    return this.take(length + 2).subarray(0, length)
  }

  // Chunks are joined once, since values are large.
  async fill(length) {
    const parts = [this.rest]
    for (let held = this.rest.length; held < length; held += parts.at(-1).length) parts.push(await this.chunk())
    this.rest = Buffer.concat(parts)
  }

  async chunk() {
    const { done, value } = await this.chunks.next()
    if (done) throw new Error('Redis closed the connection')
    return value
  }

  take(length) {
    const taken = this.rest.subarray(0, length)
    this.rest = this.rest.subarray(length)
    return taken
  }
}
