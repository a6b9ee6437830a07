// What Shopify's sandbox gives to a custom pixel, and the events of `run.events`.

const subscribers = []
const init = {
  data: {
    shop: { myshopifyDomain: 'example-store.myshopify.com' },
    cart: null,
    customer: { id: '6900000000001', email: 'ada@example.com', phone: null, firstName: 'Ada', lastName: 'Example', ordersCount: 3 },
  },
  customerPrivacy: { analyticsProcessingAllowed: true, marketingAllowed: false },
}
const analytics = { subscribe: (name, callback) => subscribers.push([name, callback]) }
const browser = { cookie: { get: async () => 'hWN3ExampleCartTokenAAAA0001?key=0123' } }
let privacy
const api = { customerPrivacy: { subscribe: (name, callback) => { privacy = callback } } }

function tell(what, value) {
  return fetch(`/tell/${what}`, { method: 'POST', body: JSON.stringify(value ?? null) })
}

window.addEventListener('error', (event) => tell('error', event.message))
window.addEventListener('unhandledrejection', (event) => tell('error', String(event.reason?.stack ?? event.reason)))
window.addEventListener('load', async () => {
  await tell('ready', subscribers.map(([name]) => name))
  await fetch('/go')
  for (const event of run.events) {
    const group = event.type === 'custom' ? 'all_custom_events' : 'all_standard_events'
    for (const [name, callback] of subscribers) if (name === group) callback(event)
    if (event === run.events[0]) privacy({ customerPrivacy: { analyticsProcessingAllowed: true, marketingAllowed: true } })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await tell('visited')
})
