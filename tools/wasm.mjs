// Reads which functions a WebAssembly module has (https://webassembly.github.io/spec/core/binary/).

// The bodies of a module's functions with their numbers, the names it gives them, and its data.
export const functionsOf = module => {
  const reader = new Reader(module, 8)
  const found = { bodies: [], names: new Map(), data: Buffer.alloc(0) }
  let imported = 0
  while (reader.at < module.length) {
    const [id, section] = [reader.byte(), reader.part()]
    if (id === 2) imported = importedFunctions(section)
    if (id === 10) found.bodies = section.list(each => each.part().rest()).map((bytes, at) => ({ index: imported + at, bytes }))
    if (id === 11) found.data = section.rest()
    if (id === 0 && section.text() === 'name') found.names = functionNames(section)
  }
  return found
}

const FUNCTION = 0
const FUNCTION_NAMES = 1

const importedFunctions = section => section.list(each => {
  each.text()
  each.text()
  const kind = each.byte()
  // Of a table, a memory, a global, a tag: what it is like.
  if (kind === 1) { each.byte(); each.limits() }
  else if (kind === 2) each.limits()
  else if (kind === 3) { each.byte(); each.byte() }
  else if (kind === 4) { each.byte(); each.number() }
  else each.number()
  return kind
}).filter(kind => kind === FUNCTION).length

const functionNames = section => {
  while (section.at < section.end) {
    const [id, part] = [section.byte(), section.part()]
    if (id === FUNCTION_NAMES) return new Map(part.list(each => [each.number(), each.text()]))
  }
  return new Map()
}

// Reads one piece after the other.
class Reader {
  constructor(bytes, at = 0, end = bytes.length) {
    Object.assign(this, { bytes, at, end })
  }

  byte() {
    return this.bytes[this.at++]
  }

  number() {
    for (let value = 0, shift = 1; ; shift *= 128) {
      const byte = this.byte()
      value += (byte & 127) * shift
      if (byte < 128) return value
    }
  }

  // What follows its length.
  part() {
    const length = this.number()
    this.at += length
    return new Reader(this.bytes, this.at - length, this.at)
  }

  text() {
    return this.part().rest().toString()
  }

  rest() {
    return this.bytes.subarray(this.at, this.end)
  }

  list(one) {
    return Array.from({ length: this.number() }, () => one(this))
  }

  limits() {
    const flags = this.byte()
    this.number()
    if (flags & 1) this.number()
  }
}
