// A page with cartwire.js: loads it as its tag would, and makes each of its calls.
// `run` comes from the test: { source, attributes, snippet, calls: "visit" | "late" | "leaving", next }.

function tell(what, value) {
  return fetch(`/tell/${what}`, { method: 'POST', body: JSON.stringify(value ?? null) })
}

function load() {
  const element = document.createElement('script')
  element.src = run.source
  for (const [name, value] of Object.entries(run.attributes)) element.setAttribute(name, value)
  element.onerror = () => tell('error', `${run.source} cannot be loaded`)
  document.head.append(element)
  return new Promise((resolve) => element.addEventListener('load', resolve))
}

// What Segment's snippet leaves behind where its last line, analytics.load(…), was taken out.
function snippet() {
  const analytics = (window.analytics = [])
  for (const method of ['track', 'page', 'identify', 'group', 'alias', 'reset', 'ready', 'on']) {
    analytics[method] = (...args) => {
      if (window.analytics.initialized) return window.analytics[method](...args)
      analytics.push([method, ...args])
      return analytics
    }
  }
  return analytics
}

async function visit() {
  const shop = window.cartwire
  const sent = []
  shop.on('track', (event) => sent.push(event))
  await shop.track('Product Viewed', { product_id: '42', name: 'Größe ✓ "L"', price: 19.99, currency: 'EUR' })
  await shop.identify('user-7', { email: ' Ada@Example.COM ', name: 'Ada' })
  await shop.track('Custom Thing', { deep: { list: [1, null, 'x'] } }, { integrations: { All: false }, context: { groupId: 'g' } })
  await shop.group('group-7', { plan: 'enterprise' })
  await shop.alias('user-8')
  await new Promise((resolve) => shop.page('Shop', 'Home', { season: 'spring' }, resolve))
  const before = shop.user()
  const told = sent.slice()
  const known = { id: before.id(), anonymousId: before.anonymousId(), traits: before.traits() }
  shop.reset()
  await shop.track('Visited Again')
  return { sent: told, known, after: shop.user().id(), cookies: document.cookie, same: window.analytics === shop }
}

async function main() {
  document.cookie = 'cart=gid%3A%2F%2Fshopify%2FCart%2Fcart-token-1%3Fkey%3D0123'
  if (location.pathname === '/next') {
    await load()
    return tell('next')
  }
  window.cartwire = [['track', 'Called Early', { early: true }]]
  const stub = run.snippet ? snippet() : null
  if (stub) {
    stub.page('Landing')
    stub.track('Called By Snippet')
  }
  await load()
  if (stub) stub.track('Called By Snippet Later')
  await tell('ready')
  await fetch('/go')
  if (run.calls === 'visit') await tell('visited', await visit())
  if (run.calls === 'late') {
    window.cartwire.track('Called While Down')
    await tell('visited')
    // The first attempt has failed by then.
    if (run.next) setTimeout(() => { location.href = '/next' }, 500)
  }
  if (run.calls === 'leaving') {
    window.cartwire.track('Link Clicked')
    location.href = '/next'
  }
}

window.addEventListener('error', (event) => tell('error', event.message))
window.addEventListener('unhandledrejection', (event) => tell('error', String(event.reason?.stack ?? event.reason)))
main()
