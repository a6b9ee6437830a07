// A shop's page: loads analytics.js as its makers say, and makes each of its calls.
// `run` comes from the test: { cartwire, writeKey, library: "snippet" | "module", options }. The test is told of every
// answer of Cartwire, and of the page's progress.

const plainFetch = window.fetch.bind(window)

function tell(what, value) {
  return plainFetch(`/tell/${what}`, { method: 'POST', body: JSON.stringify(value ?? null) })
}

// analytics.js takes the window's fetch at each call; this one only looks on.
window.fetch = (url, init) => {
  const answer = plainFetch(url, init)
  if (String(url).startsWith(run.cartwire)) {
    const told = (status) => tell('request', { url, status, headers: init?.headers ?? {}, body: init?.body ?? null })
    answer.then((reply) => told(reply.status), () => told(null))
  }
  return answer
}

function script(source) {
  const element = document.createElement('script')
  element.async = true
  element.src = source
  element.onerror = () => tell('error', `${source} cannot be loaded`)
  document.head.append(element)
  return new Promise((resolve) => element.addEventListener('load', resolve))
}

// What Segment's snippet does: calls made before the library is there wait in an array.
async function snippet() {
  const analytics = (window.analytics = [])
  for (const method of ['track', 'page', 'identify', 'group', 'alias', 'reset', 'ready', 'on']) {
    analytics[method] = (...args) => {
      if (window.analytics !== analytics) return window.analytics[method](...args)
      analytics.push([method, ...args])
      return analytics
    }
  }
  analytics._writeKey = run.writeKey
  analytics._cdn = run.cartwire
  analytics._loadOptions = run.options
  script('/umd/standalone.js')
  analytics.track('Called Early', { early: true })
  await new Promise((resolve) => analytics.ready(resolve))
  return { analytics: window.analytics }
}

// What the package of npm is used like.
async function module() {
  await script('/umd/index.js')
  const analytics = AnalyticsNext.AnalyticsBrowser.load({ writeKey: run.writeKey, cdnURL: run.cartwire }, run.options)
  analytics.track('Called Early', { early: true })
  await analytics.ready()
  // In an object, because it is itself something to wait for.
  return { analytics }
}

async function visit(analytics) {
  const contexts = [
    await analytics.page('Shop', 'Home', { season: 'spring' }),
    await analytics.track('Product Viewed', { product_id: '42', name: 'Größe ✓ "L"', price: 19.99, currency: 'EUR' }),
    // Whoever logs in takes a while; of the same instant, an event that is sent again would be after it.
    await new Promise((resolve) => setTimeout(resolve, 300)),
    await analytics.identify('user-7', { email: ' Ada@Example.COM ', name: 'Ada', nothing: null }),
    await analytics.group('group-7', { plan: 'enterprise', employees: 12 }),
    await analytics.alias('user-8'),
    await analytics.track('Signed Out'),
  ]
  await analytics.reset()
  contexts.push(await analytics.track('Visited Again', { again: true }))
  return contexts.filter(Boolean).map((context) => context.event)
}

async function main() {
  const { analytics } = await (run.library === 'snippet' ? snippet() : module())
  await tell('ready')
  // Answered when the test has prepared the trouble that it wants.
  await plainFetch('/go')
  await tell('visited', await visit(analytics))
  if (run.leave) location.href = '/left'
}

window.addEventListener('error', (event) => tell('error', event.message))
window.addEventListener('unhandledrejection', (event) => tell('error', String(event.reason?.stack ?? event.reason)))
main()
