// memcached on a loopback port of its own; it keeps nothing when it ends.
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { freePort, insistOn, start, stop, until } from './processes.mjs'

export const startMemcached = async () => {
  const port = await freePort()
  // No UDP; and it does not run as root.
  const child = start('memcached', ['-l', '127.0.0.1', '-p', port, '-U', '0', '-u', 'nobody'], { stdio: 'ignore' })
  await once(child, 'spawn').catch(error => {
    throw error.code === 'ENOENT' ? new Error('memcached is not installed; run `make setup` first') : error
  })
  await until(async () => {
    insistOn(child)
    return answers(port)
  }, `an answer from memcached on port ${port}`)
  return { port, pid: child.pid, stop: () => stop(child) }
}

const answers = async port => {
  const socket = createConnection(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.write('version\r\n')
    const [answer] = await once(socket, 'data')
    return answer.toString().startsWith('VERSION ')
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
