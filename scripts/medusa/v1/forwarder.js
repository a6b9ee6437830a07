// Medusa 1: forwards events of the bus to Cartwire, with the entities that they concern.
//
// Copy it to src/loaders/cartwire.js of the backend (a subscriber file is not told which event it got) and set in the
// backend's environment:
//   CARTWIRE_URL     https://<host>/medusa/medusa
//   CARTWIRE_SECRET  the secret of the pipeline
//
// An event that Cartwire did not take is thrown back to the bus. Only the Redis bus sends it again, and only if told so
// in medusa-config.js:
//   modules: { eventBus: { resolve: "@medusajs/event-bus-redis", options: {
//     redisUrl: process.env.REDIS_URL,
//     jobOptions: { attempts: 12, backoff: { type: "exponential", delay: 1000 } },
//   } } }
//
// Node 18 or later. Events are listed one by one: the bus also carries password tokens, which must not leave.

import { createHmac } from "node:crypto"

const ORDER_RELATIONS = [
  "cart",
  "customer",
  "billing_address",
  "shipping_address",
  "region",
  "sales_channel",
  "discounts",
  "discounts.rule",
  "shipping_methods",
  "shipping_methods.shipping_option",
  "payments",
  "fulfillments",
  "fulfillments.items",
  "gift_cards",
  "gift_card_transactions",
  "items",
  "items.adjustments",
  "items.tax_lines",
  "items.variant",
  "items.variant.product",
  "items.variant.product.collection",
  "items.variant.product.type",
  "returns",
  "returns.items",
  "returns.items.reason",
  "swaps",
  "swaps.additional_items",
  "swaps.additional_items.variant",
  "claims",
  "claims.additional_items",
  "claims.additional_items.variant",
]

const order = (services, id) => services("orderService").retrieveWithTotals(id, { relations: ORDER_RELATIONS })

const swap = (services, id) =>
  services("swapService").retrieve(id, {
    relations: ["additional_items", "additional_items.variant", "return_order", "return_order.items", "fulfillments"],
  })

const ofSwap = async (services, data) => {
  const found = await swap(services, data.id)
  const attached = { swap: found, order: await order(services, found.order_id) }
  if (data.fulfillment_id) {
    attached.fulfillment = await services("fulfillmentService").retrieve(data.fulfillment_id, { relations: ["items"] })
  }
  return attached
}

// What each event is sent with. To forward another event, add a line; `() => ({})` attaches nothing.
const EVENTS = {
  "order.placed": async (services, data) => ({ order: await order(services, data.id) }),
  "order.canceled": async (services, data) => ({ order: await order(services, data.id) }),
  "order.shipment_created": async (services, data) => ({
    fulfillment: await services("fulfillmentService").retrieve(data.fulfillment_id, { relations: ["items"] }),
    order: await order(services, data.id),
  }),
  "order.items_returned": async (services, data) => ({
    return: await services("returnService").retrieve(data.return_id, {
      relations: ["items", "items.reason", "shipping_method", "shipping_method.tax_lines"],
    }),
    order: await order(services, data.id),
  }),
  "claim.created": async (services, data) => {
    const claim = await services("claimService").retrieve(data.id, {
      relations: ["claim_items", "claim_items.item", "claim_items.tags", "claim_items.variant"],
    })
    return { claim, order: await order(services, claim.order_id) }
  },
  "swap.created": ofSwap,
  "swap.payment_completed": ofSwap,
  "swap.shipment_created": ofSwap,
  "customer.created": () => ({}),
  "customer.updated": () => ({}),
}

// What no receiver needs: hashes of passwords, codes that can be spent, what a payment provider keeps.
const SECRETS = new Set(["password_hash", "client_secret", "api_token"])
const withoutSecrets = (key, value) => {
  if (SECRETS.has(key)) return undefined
  if (key === "gift_cards") return value?.map(({ code, ...card }) => card)
  if (key === "payments") return value?.map(({ data, ...payment }) => payment)
  return value
}

export async function forward(services, name, data) {
  const body = JSON.stringify({ name, data, ...(await EVENTS[name](services, data)) }, withoutSecrets)
  const response = await fetch(process.env.CARTWIRE_URL, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-signature": createHmac("sha256", process.env.CARTWIRE_SECRET).update(body).digest("hex"),
    },
    body,
    signal: AbortSignal.timeout(15000),
  })
  if (!response.ok) throw new Error(`Cartwire answered ${response.status} for ${name}: ${await response.text()}`)
}

export default async function cartwire(container) {
  if (!process.env.CARTWIRE_URL || !process.env.CARTWIRE_SECRET) {
    container.resolve("logger").warn("CARTWIRE_URL or CARTWIRE_SECRET is not set: events are not forwarded")
    return
  }
  const bus = container.resolve("eventBusService")
  const services = (name) => container.resolve(name)
  for (const name of Object.keys(EVENTS)) {
    bus.subscribe(name, (data) => forward(services, name, data), { subscriberId: `cartwire-${name}` })
  }
}
