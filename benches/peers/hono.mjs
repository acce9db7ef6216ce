// Hono with its cache middleware.
import { Hono } from 'hono'
import { cache } from 'hono/cache'

const app = new Hono()
app.get('*', cache({ cacheName: 'hono' }), context => {
  const url = new URL(context.req.url)
  return fetch(context.env.ORIGIN + url.pathname + url.search)
})

export default app
