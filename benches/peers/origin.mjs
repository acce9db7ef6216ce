// The origin of the benchmarks: a page is as large as the last part of its path says, and takes as many milliseconds as `?wait=` says.
import { createServer } from 'node:http'

const bodies = new Map()

const body = size => {
  if (!bodies.has(size)) bodies.set(size, Buffer.alloc(size, 'x'))
  return bodies.get(size)
}

createServer((request, response) => {
  const url = new URL(request.url, 'http://origin')
  const answer = () => {
    response.setHeader('Content-Type', 'text/html')
    response.setHeader('Cache-Control', 'public, max-age=3600')
    response.setHeader('ETag', '"1"')
    response.end(body(Number(url.pathname.split('/').pop()) || 4096))
  }
  const wait = Number(url.searchParams.get('wait'))
  if (wait) setTimeout(answer, wait)
  else answer()
}).listen(Number(process.argv[2]), '127.0.0.1')
