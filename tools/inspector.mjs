// Asks the runtime how much memory the Worker holds, once what nobody holds is collected.
import { once } from 'node:events'

// `gc` is there if the runtime was started with it.
export const inspected = { MINIFLARE_WORKERD_V8_FLAGS: '--expose-gc' }

export const connect = async port => {
  const targets = await (await fetch(`http://127.0.0.1:${port}/json`)).json()
  const { webSocketDebuggerUrl } = targets.find(({ id }) => id === 'core:user:larder')
  const socket = new WebSocket(webSocketDebuggerUrl)
  await once(socket, 'open')
  const call = caller(socket)
  // The runtime names its one context nowhere but with the scripts that run in it.
  const contextId = new Promise(resolve => socket.addEventListener('message', ({ data }) => {
    const { method, params } = JSON.parse(data)
    if (method === 'Debugger.scriptParsed') resolve(params.executionContextId)
  }))
  await call('Runtime.enable')
  await call('Debugger.enable')
  await call('Debugger.disable')
  const context = await contextId
  return { memory: () => memory(call, context), close: () => socket.close() }
}

const caller = socket => {
  const waiting = new Map()
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(data)
    const [resolve, reject] = waiting.get(id) ?? []
    if (error) reject?.(new Error(error.message))
    else resolve?.(result)
  })
  let last = 0
  return (method, params = {}) => new Promise((resolve, reject) => {
    waiting.set(++last, [resolve, reject])
    socket.send(JSON.stringify({ id: last, method, params }))
  })
}

// Bytes: the heap with what hangs on it, and WebAssembly's own memory.
const memory = async (call, contextId) => {
  await call('Runtime.evaluate', { expression: 'gc(); gc()', contextId })
  const { usedSize, embedderHeapUsedSize, backingStorageSize } = await call('Runtime.getHeapUsage')
  return { heap: usedSize + embedderHeapUsedSize + backingStorageSize, wasm: await wasmMemory(call, contextId) }
}

const wasmMemory = async (call, contextId) => {
  const { result: prototype } = await call('Runtime.evaluate', { expression: 'WebAssembly.Memory.prototype', contextId })
  const { objects } = await call('Runtime.queryObjects', { prototypeObjectId: prototype.objectId })
  const functionDeclaration = 'function () { return this.reduce((sum, { buffer }) => sum + buffer.byteLength, 0) }'
  const { result } = await call('Runtime.callFunctionOn', { objectId: objects.objectId, functionDeclaration, returnByValue: true })
  return result.value
}
