// A Medusa backend as far as the shipped forwarders see one: it emits recorded events and gives the recorded entities,
// of which version 2 gives only the fields that are asked for. Prints one line for each event: what became of it.
//
// node backend.mjs <1|2> <forwarder> <folder of *.forwarded.json>

import { readFileSync, readdirSync } from "node:fs"
import { pathToFileURL } from "node:url"

const [version, forwarder, folder] = process.argv.slice(2)
const loaded = await import(pathToFileURL(forwarder))

const isTotal = (key) => key === "total" || key === "subtotal" || /_(total|subtotal)$/.test(key)
const isRelation = (value) =>
  (Array.isArray(value) && value.some((item) => item && typeof item === "object")) || (value && typeof value === "object" && "id" in value)

/// The fields of a value, as `query.graph` selects them: `*` is what is no relation; totals must be asked for by name.
function select(value, fields) {
  if (Array.isArray(value)) return value.map((item) => select(item, fields))
  if (!value || typeof value !== "object") return value
  const totals = fields.some(isTotal) || fields.nested
  const chosen = {}
  for (const [key, member] of Object.entries(value)) {
    const bare = key.replace(/^raw_/, "")
    const below = fields.filter((field) => field.startsWith(`${key}.`)).map((field) => field.slice(key.length + 1))
    if (below.length > 0) {
      chosen[key] = select(member, Object.assign(below, { nested: true }))
    } else if (fields.includes(bare) || (fields.includes("*") && !isRelation(member) && (!isTotal(bare) || (totals && fields.nested)))) {
      chosen[key] = member
    }
  }
  return chosen
}

function give(found, id, what) {
  if (!found || found.id !== id) throw new Error(`no ${what} ${id}`)
  return found
}

function container1(body, subscribers) {
  const services = {
    logger: console,
    eventBusService: { subscribe: (name, handler, context) => subscribers.set(name, { handler, context }) },
    orderService: { retrieveWithTotals: async (id) => give(body.order, id, "order") },
    fulfillmentService: { retrieve: async (id) => give(body.fulfillment, id, "fulfillment") },
    returnService: { retrieve: async (id) => give(body.return, id, "return") },
    claimService: { retrieve: async (id) => give(body.claim, id, "claim") },
    swapService: { retrieve: async (id) => give(body.swap, id, "swap") },
  }
  return { resolve: (name) => services[name] ?? fail(`no service ${name}`) }
}

function container2(body) {
  const entities = {
    order: body.order,
    fulfillment: body.fulfillment && { ...body.fulfillment, order: { id: body.order.id } },
    return: body.return,
    order_claim: body.claim,
    order_exchange: body.exchange,
    payment: body.payment && { ...body.payment, payment_collection: { order: { id: body.order.id } } },
    customer: body.customer,
  }
  const graph = async ({ entity, fields, filters }) => ({ data: [select(give(entities[entity], filters.id, entity), fields)] })
  return { resolve: (name) => (name === "query" ? { graph } : fail(`no service ${name}`)) }
}

function fail(message) {
  throw new Error(message)
}

async function emit(body) {
  if (version === "2") {
    if (!loaded.config.event.includes(body.name)) fail(`not subscribed to ${body.name}`)
    return loaded.default({ event: { name: body.name, data: body.data, metadata: body.metadata }, container: container2(body) })
  }
  const subscribers = new Map()
  await loaded.default(container1(body, subscribers))
  const subscriber = subscribers.get(body.name) ?? fail(`not subscribed to ${body.name}`)
  if (!subscriber.context.subscriberId) fail("no subscriberId")
  return subscriber.handler(body.data)
}

for (const file of readdirSync(folder).filter((file) => file.endsWith(".forwarded.json")).sort()) {
  const outcome = { stem: file.replace(".forwarded.json", "") }
  try {
    await emit(JSON.parse(readFileSync(`${folder}/${file}`, "utf8")))
  } catch (error) {
    outcome.error = error.message
  }
  console.log(JSON.stringify(outcome))
}

const subscribers = new Map()
if (version === "1") await loaded.default(container1({}, subscribers))
console.log(JSON.stringify({ events: version === "1" ? [...subscribers.keys()] : loaded.config.event }))
