// Cartwire's custom pixel for Shopify: sends the shop's customer events to the source `shopify_pixel`.
//
// In Shopify's admin: Settings › Customer events › Add custom pixel. Paste this file, put your address into the next line,
// choose under "Customer privacy" what the events are used for, save, and connect the pixel.
const ENDPOINT = "https://events.example.com/shopify/shopify_pixel";

// What is sent: all standard events (pages, products, cart, checkout), and those that themes and apps publish with
// `Shopify.analytics.publish(name, data)`. Clicks and inputs (`all_dom_events`) are not mapped; leave them out.
const SUBSCRIPTIONS = ["all_standard_events", "all_custom_events"];

// An event whose sending failed is tried again after so many milliseconds, as long as the page is open. A sandbox is no place
// to keep anything: what is still waiting when the visitor leaves the page is lost. Orders are safe from that, because
// their webhooks come from Shopify's servers.
const RETRY_AFTER_MS = [1000, 5000, 20000];

let consent = init.customerPrivacy;
api.customerPrivacy.subscribe("visitorConsentCollected", (event) => {
  consent = event.customerPrivacy;
});

// The token of the cart, by which orders find their visitor. Nothing waits for it, because the page may be left at once: a cart
// that begins with this event is named from the next one on.
let cart = init.data.cart?.id ?? null;
function lookForCart(event) {
  if (event.data?.cart?.id) cart = event.data.cart.id;
  browser.cookie.get("cart").then((value) => { if (value) cart = value; }, () => {});
}

// The customer, if one is logged in.
function customer() {
  const known = init.data.customer;
  if (!known) return null;
  const { id, email, phone, firstName, lastName } = known;
  return { id, email, phone, firstName, lastName };
}

async function send(event) {
  lookForCart(event);
  for (const waitMs of [0, ...RETRY_AFTER_MS]) {
    if (waitMs) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const body = JSON.stringify({
      shop: init.data.shop.myshopifyDomain,
      sentAt: new Date().toISOString(),
      cart,
      customer: customer(),
      consent,
      event,
    });
    try {
      // As plain text, because browsers ask for permission first (a preflight) before they send JSON elsewhere. With
      // `keepalive` a page that is left still sends; browsers allow that for 64 KB, and larger events go without.
      const reply = await fetch(ENDPOINT, {
        method: "POST",
        headers: { "content-type": "text/plain;charset=UTF-8" },
        keepalive: new Blob([body]).size < 60000,
        body,
      });
      // Any answer but "busy" and "failed" will be the same next time.
      if (reply.status !== 429 && reply.status < 500) return;
    } catch {
      // No answer: the network's fault.
    }
  }
}

for (const name of SUBSCRIPTIONS) analytics.subscribe(name, send);
