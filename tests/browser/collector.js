// A page with cartwire.js: loads it as its tag would, and makes each of its calls.
// `run` comes from the test: { source, attributes, snippet: "old" | "current" | "loading", placed: "after", template,
// calls: "visit" | "places" | "late" | "leaving", next }.

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

// Segment's snippet as its package makes it: "current" where the line analytics.load(…) was taken out, "loading" as it is.
function currentSnippet() {
  const made = {}
  new Function('module', run.template)(made)
  const load = run.snippet === 'loading' ? 'analytics.load("KEY");' : ''
  const settings = { globalAnalyticsKey: 'analytics', apiKey: 'KEY', host: 'localhost:1', ajsPath: '/analytics.min.js', load }
  const element = document.createElement('script')
  element.textContent = made.exports({ ...settings, optionalCDN: '', page: '' })
  document.head.append(element)
  return window.analytics
}

// What snippets of some years ago leave behind where that line was taken out.
function oldSnippet() {
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

// Calls that the snippet takes down, on a page that is another one when they are told.
function early(stub) {
  stub.page()
  stub.track('Called By Snippet', { product_id: '42' })
  stub.track('Called Without Properties')
  stub.identify('user-7')
  stub.group('group-7', { plan: 'enterprise' })
  stub.alias('user-8')
  stub.screen('Home', { season: 'spring' })
  history.replaceState(null, '', '/elsewhere?utm_source=other')
  document.title = 'Elsewhere'
}

// Calls with null or undefined where nothing is told.
async function places() {
  const shop = window.cartwire
  const barred = { integrations: { All: false } }
  await shop.track('Barred', undefined, barred)
  await shop.track('Barred Null', null, barred, () => {})
  await shop.track({ event: 'Barred Map', properties: { a: 1 } }, barred)
  await shop.identify('user-7', { name: 'Ada' })
  await shop.identify('user-7', undefined, barred)
  await shop.identify({ email: 'ada@example.com' }, barred)
  await shop.identify(null, { phone: '1' })
  await shop.group('group-7', { plan: 'enterprise' })
  await shop.group('group-7', null, barred)
  await shop.page('Shop', 'Home', undefined, barred)
  await shop.page(null, 'Null', { a: 1 }, barred)
  await shop.screen('Shop', 'Home', { a: 1 }, barred)
  await shop.alias(8, null, barred)
  const group = shop.group()
  const known = { group: [group.id(), group.traits()], traits: shop.user().traits() }
  shop.reset()
  return { ...known, after: [shop.group().id(), shop.group().traits()] }
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
  const snippet = run.snippet === 'old' ? oldSnippet : currentSnippet
  let stub = run.snippet && run.placed !== 'after' ? snippet() : null
  if (run.snippet === 'current' && stub) {
    early(stub)
  } else if (stub) {
    stub.page('Landing')
    stub.track('Called By Snippet')
  }
  await load()
  if (run.placed === 'after') stub = snippet()
  if (stub) stub.track('Called By Snippet Later')
  await tell('ready')
  await fetch('/go')
  if (run.calls === 'places') await tell('visited', await places())
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
