// The floor of the runtime: an answer that never changes, from JavaScript.
const bodies = new Map()

const body = size => {
  if (!bodies.has(size)) bodies.set(size, new Uint8Array(size).fill(120))
  return bodies.get(size)
}

export default {
  fetch(request) {
    const size = Number(new URL(request.url).pathname.slice(1)) || 4096
    return new Response(body(size), {
      headers: { 'content-type': 'text/html', 'cache-control': 'public, max-age=3600', etag: '"1"' }
    })
  }
}
