// What an engineer writes by hand: the Cache API in front of a fetch. It knows nothing of cookies, purges or stampedes.
export default {
  async fetch(request, env, context) {
    const cached = await caches.default.match(request)
    if (cached) return cached
    const url = new URL(request.url)
    const response = await fetch(env.ORIGIN + url.pathname + url.search, request)
    if (request.method === 'GET') context.waitUntil(caches.default.put(request, response.clone()))
    return response
  }
}
