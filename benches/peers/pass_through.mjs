// No cache at all: every request goes to the origin.
export default {
  fetch(request, env) {
    const url = new URL(request.url)
    return fetch(env.ORIGIN + url.pathname + url.search, request)
  }
}
