// Sends one of each call with @segment/analytics-node, unmodified, and prints what it sent as a JSON array.
// Usage: node send.mjs HOST WRITE_KEY [COUNT]
import { randomUUID } from 'node:crypto'
import { Analytics } from '@segment/analytics-node'

const [host, writeKey, count = '200'] = process.argv.slice(2)
const sent = []
const errors = []
const analytics = new Analytics({ host, writeKey, flushAt: 25, flushInterval: 500, httpRequestTimeout: 5000 })
analytics.on('error', (error) => errors.push(`${error.code}: ${error.reason}`))

function send(type, fields) {
  const message = { messageId: `node-${randomUUID()}`, timestamp: new Date().toISOString(), ...fields }
  // A copy, because the library adds to the context it is given.
  sent.push(structuredClone({ type, ...message }))
  analytics[type](message)
}

const userId = 'sdk-user-42'
send('identify', {
  userId,
  traits: { name: 'Zoë Müller-日本', email: 'zoe@example.com', address: { city: 'Kraków' }, tags: ['a', 'b'], nothing: null },
  context: { ip: '203.0.113.7', locale: 'pl-PL' },
})
send('track', {
  userId,
  event: 'Order Completed',
  properties: {
    order_id: '820982911946154508', subtotal: 22.5, revenue: 22.5, shipping: 3, tax: 2, discount: 2.5, total: 27.5, currency: 'USD',
    products: [
      { product_id: '507f1f77bcf86cd799439011', name: 'Monopoly: 3rd Edition', price: 19, quantity: 1, attributes: { sizes: ['S', 'M'] } },
      { product_id: '505bd76785ebb509fc183733', name: 'Uno Card Game', price: 3, quantity: 2, attributes: {} },
    ],
  },
  integrations: { All: true, Salesforce: false },
})
send('track', {
  userId,
  event: 'Ünïcode ✓ 😀 "quoted" \\ </script> \u2028',
  properties: { safe: Number.MAX_SAFE_INTEGER, negative: -1, tiny: 5e-324, cents: 0.1, huge: 1e21, text: 'tab\tnewline\n\u0007\u{10ffff}' },
})
send('page', { userId, category: 'Docs', name: 'Home', properties: { url: 'https://example.com/?q=a%20b&c=d#e' } })
send('screen', { userId, category: 'App', name: 'Start', properties: { width: 320 } })
send('group', { userId, groupId: 'group-7', traits: { employees: 12, plan: 'enterprise' } })
send('alias', { userId, previousId: 'sdk-anonymous-1' })
send('track', { anonymousId: 'sdk-anonymous-2', event: 'Signed Out', properties: {} })
for (let n = 0; n < Number(count); n += 1) {
  send('track', { userId, event: 'Item Counted', properties: { n, half: n / 2, label: `№ ${n}` } })
}
await analytics.closeAndFlush({ timeout: 60_000 })
if (errors.length > 0) {
  console.error(errors.join('\n'))
  process.exit(1)
}
console.log(JSON.stringify(sent))
