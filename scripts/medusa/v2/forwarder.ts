// @ts-nocheck: plain JavaScript, so that it also runs where nothing compiles TypeScript.
//
// Medusa 2: forwards events of the bus to Cartwire, with the entities that they concern.
//
// Copy it to src/subscribers/cartwire.ts of the backend and set in the backend's environment:
//   CARTWIRE_URL     https://<host>/medusa/medusa
//   CARTWIRE_SECRET  the secret of the pipeline
//
// An event that Cartwire did not take is thrown back to the bus. Only the Redis bus sends it again, and only if told so
// in medusa-config.ts:
//   modules: [{ resolve: "@medusajs/medusa/event-bus-redis", options: {
//     redisUrl: process.env.REDIS_URL,
//     jobOptions: { attempts: 12, backoff: { type: "exponential", delay: 1000 } },
//   } }]
//
// Events are listed one by one: a subscriber of "*" would also get password tokens, which must not leave.

import { createHmac } from "node:crypto"

const ORDER_FIELDS = [
  "*",
  "total",
  "subtotal",
  "tax_total",
  "discount_total",
  "discount_subtotal",
  "discount_tax_total",
  "credit_line_total",
  "item_total",
  "item_subtotal",
  "item_tax_total",
  "shipping_total",
  "shipping_subtotal",
  "shipping_tax_total",
  "items.*",
  "items.tax_lines.*",
  "items.adjustments.*",
  "items.detail.*",
  "items.variant.*",
  "items.variant.product.*",
  "items.variant.product.collection.*",
  "items.variant.product.type.*",
  "shipping_methods.*",
  "shipping_methods.detail.*",
  "shipping_methods.tax_lines.*",
  "shipping_methods.adjustments.*",
  "credit_lines.*",
  "customer.*",
  "region.*",
  "sales_channel.id",
  "sales_channel.name",
  "shipping_address.*",
  "billing_address.*",
  "promotions.id",
  "promotions.code",
  // Not with `*`: what the provider keeps of a payment is in `data`.
  "payment_collections.id",
  "payment_collections.payments.id",
  "payment_collections.payments.provider_id",
  "payment_collections.payments.amount",
  "cart.id",
  "cart.metadata",
]

const one = async (query, entity, id, fields) => {
  const { data } = await query.graph({ entity, fields, filters: { id } })
  if (!data[0]) throw new Error(`no ${entity} ${id}`)
  return data[0]
}

const order = (query, id) => one(query, "order", id, ORDER_FIELDS)

const ofFulfillment = async (query, data) => {
  const fulfillment = await one(query, "fulfillment", data.id, ["*", "items.*", "labels.*", "order.id"])
  return { fulfillment, order: await order(query, fulfillment.order.id) }
}

const ofPayment = async (query, data) => {
  const payment = await one(query, "payment", data.id, [
    "id",
    "amount",
    "currency_code",
    "provider_id",
    "captured_at",
    // Each capture of a part is an event, and so is each refund; which one it is about, only their times tell.
    "captures.*",
    "refunds.*",
    "payment_collection.order.id",
  ])
  return { payment, order: await order(query, payment.payment_collection.order.id) }
}

const ofCustomer = async (query, data) => ({ customer: await one(query, "customer", data.id, ["*"]) })

// What each event is sent with. To forward another event, add a line; `() => ({})` attaches nothing.
const EVENTS = {
  "order.placed": async (query, data) => ({ order: await order(query, data.id) }),
  "order.canceled": async (query, data) => ({ order: await order(query, data.id) }),
  "shipment.created": ofFulfillment,
  "delivery.created": ofFulfillment,
  "order.return_received": async (query, data) => ({
    return: await one(query, "return", data.return_id, [
      "*",
      "items.*",
      "items.reason.*",
      "shipping_methods.*",
      "shipping_methods.tax_lines.*",
    ]),
    order: await order(query, data.order_id),
  }),
  "order.claim_created": async (query, data) => ({
    claim: await one(query, "order_claim", data.claim_id, ["*", "claim_items.*"]),
    order: await order(query, data.order_id),
  }),
  "order.exchange_created": async (query, data) => ({
    exchange: await one(query, "order_exchange", data.exchange_id, ["*", "additional_items.*", "return.*", "return.items.*"]),
    order: await order(query, data.order_id),
  }),
  "payment.captured": ofPayment,
  "payment.refunded": ofPayment,
  "customer.created": ofCustomer,
  "customer.updated": ofCustomer,
  "customer.deleted": () => ({}),
}

export default async function cartwire({ event: { name, data, metadata }, container }) {
  const url = process.env.CARTWIRE_URL
  const secret = process.env.CARTWIRE_SECRET
  if (!url || !secret) throw new Error("CARTWIRE_URL or CARTWIRE_SECRET is not set")
  const body = JSON.stringify({ name, data, metadata, ...(await EVENTS[name](container.resolve("query"), data)) })
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-signature": createHmac("sha256", secret).update(body).digest("hex"),
    },
    body,
    signal: AbortSignal.timeout(15000),
  })
  if (!response.ok) throw new Error(`Cartwire answered ${response.status} for ${name}: ${await response.text()}`)
}

export const config = { event: Object.keys(EVENTS), context: { subscriberId: "cartwire" } }
