/*
 * BigCommerce storefront → Cartwire: page views and the events of BODL, BigCommerce's data layer.
 *
 * 1. In the settings of the store's web analytics, turn on the data layer for developers (BODL; Stencil themes only).
 * 2. Set `endpoint` below to where the pipeline's source `bigcommerce_storefront` listens.
 * 3. Storefront › Script Manager › Create a Script: location Footer, pages All pages, category Analytics (BigCommerce then
 *    runs it for shoppers who agreed, where the store asks them), type Script. Paste this file between <script> and </script>.
 *
 * Every event tells the browser's anonymousId and the cart's id. By these an order, which only the server tells, meets the
 * browser that it began in. With analytics.js on the page, its anonymousId is used; else one is kept in the cookie that
 * analytics.js would use. What could not be sent is kept, and sent later or from the next page.
 */
(function () {
  "use strict";

  var endpoint = "https://events.example.com/bigcommerce/bigcommerce_storefront";

  var LISTENERS = [
    ["consent", "loaded", "bodl_v1_loaded_consent"],
    ["consent", "updated", "bodl_v1_update_consent"],
    ["banner", "viewed", "bodl_v1_view_banner"],
    ["product", "searchPerformed", "bodl_v1_keyword_search"],
    ["product", "categoryViewed", "bodl_v1_product_category_viewed"],
    ["product", "pageViewed", "bodl_v1_product_page_viewed"],
    ["cart", "addItem", "bodl_v1_cart_product_added"],
    ["cart", "removeItem", "bodl_v1_cart_product_removed"],
    ["cart", "viewed", "bodl_v1_cart_viewed"],
    ["checkout", "checkoutBegin", "bodl_v1_begin_checkout"],
    ["checkout", "shippingDetailsProvided", "bodl_v1_shipping_information_added"],
    ["checkout", "paymentDetailsProvided", "bodl_v1_payment_information_added"],
    ["checkout", "orderPurchased", "bodl_v1_order_purchased"],
  ];
  // Browsers let pages that go away send 64 KB at most.
  var BODY_MAX = 50000;
  var KEPT_MAX = 200;

  var queue = stored("cartwire_queue", localStorageOrNothing()) || [];
  var cart = stored("cartwire_cart", sessionStorageOrNothing());
  if (!isOrderPage()) forgetWho();
  var consent;
  var sending = false;
  var attempts = 0;
  var subscribed = false;

  function localStorageOrNothing() {
    try { return window.localStorage; } catch (error) { return null; }
  }

  function sessionStorageOrNothing() {
    try { return window.sessionStorage; } catch (error) { return null; }
  }

  function stored(key, storage) {
    try { return JSON.parse(storage.getItem(key)); } catch (error) { return null; }
  }

  function store(key, storage, value) {
    try { storage.setItem(key, JSON.stringify(value)); } catch (error) { /* Then it is not kept. */ }
  }

  // What browsers count is bytes: "東" has three.
  function bytes(text) {
    return new Blob([text]).size;
  }

  function uuid() {
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    return Array.from(bytes, function (byte, index) {
      return ([4, 6, 8, 10].indexOf(index) < 0 ? "" : "-") + (byte + 256).toString(16).slice(1);
    }).join("");
  }

  function anonymousId() {
    try {
      var known = window.analytics.user().anonymousId();
      if (known) return known;
    } catch (error) { /* There is no analytics.js, or it has not loaded. */ }
    var found = /(?:^|; )ajs_anonymous_id=([^;]*)/.exec(document.cookie);
    var id = found && decodeURIComponent(found[1]).replace(/^"|"$/g, "");
    if (!id) {
      id = uuid();
      var secure = location.protocol === "https:" ? "; secure" : "";
      document.cookie = "ajs_anonymous_id=" + id + "; path=/; max-age=31536000; samesite=lax" + secure;
    }
    return id;
  }

  // The page that thanks for an order: its cart is gone, and nobody has logged out since.
  function isOrderPage() {
    return /\/order-confirmation/.test(location.pathname);
  }

  // Who had the cart last may have logged out: until the shop says who has one now, only the cart's id is certain.
  function forgetWho() {
    if (cart) cart = { id: cart.id };
  }

  // The cart that the shopper has now. The one before is remembered, since an order's page has none any more.
  function askForCart() {
    var answer = fetch("/api/storefront/carts", { credentials: "same-origin" })
      .then(function (response) { return response.json(); })
      .then(function (carts) {
        // A guest's cart has the customer 0, by which it shows that nobody is logged in any more.
        if (carts.length) cart = { id: carts[0].id, customerId: carts[0].customerId, email: carts[0].email };
        else if (!isOrderPage()) forgetWho();
        store("cartwire_cart", sessionStorageOrNothing(), cart);
      });
    var patience = new Promise(function (resolve) { setTimeout(resolve, 1500); });
    return Promise.race([answer, patience]).catch(function () { /* Then the event has no cart. */ });
  }

  function tell(event, payload) {
    // Refusing is told; after that, nothing is.
    if (consent && consent.analytics === false && event !== "bodl_v1_update_consent") return;
    var message = {
      event: event,
      payload: Object.assign({ event_id: uuid() }, payload),
      timestamp: new Date().toISOString(),
      anonymousId: anonymousId(),
      page: {
        url: location.href,
        path: location.pathname,
        search: location.search,
        title: document.title,
        referrer: document.referrer,
      },
      locale: navigator.language,
      consent: consent,
    };
    // An item may have made the cart that it is in.
    var ready = !cart || event === "bodl_v1_cart_product_added" ? askForCart() : firstCart;
    ready.then(function () {
      message.cart = cart || undefined;
      queue = queue.concat(message).slice(-KEPT_MAX);
      store("cartwire_queue", localStorageOrNothing(), queue);
      send();
    });
  }

  function send() {
    if (sending || !queue.length) return;
    var batch = [];
    var size = 2;
    for (var index = 0; index < queue.length; index++) {
      size += bytes(JSON.stringify(queue[index])) + 1;
      if (size > BODY_MAX && batch.length) break;
      batch.push(queue[index]);
    }
    sending = true;
    // A text is sent as text/plain, for which browsers do not ask leave first.
    fetch(endpoint, { method: "POST", body: JSON.stringify(batch), keepalive: size <= BODY_MAX, credentials: "omit" })
      .then(function (response) {
        if (response.status === 429 || response.status >= 500) throw new Error(response.status);
      })
      .then(function () {
        attempts = 0;
        // What was added meanwhile stands behind what was sent.
        queue = queue.filter(function (message) { return batch.indexOf(message) < 0; });
        store("cartwire_queue", localStorageOrNothing(), queue);
        sending = false;
        send();
      })
      .catch(function () {
        sending = false;
        attempts += 1;
        setTimeout(send, Math.min(60000, 1000 * Math.pow(2, attempts)));
      });
  }

  function subscribe() {
    var layer = window.bodlEvents;
    if (subscribed || !layer) return;
    subscribed = true;
    LISTENERS.forEach(function (listener) {
      var group = layer[listener[0]];
      if (!group || typeof group[listener[1]] !== "function") return;
      group[listener[1]](function (payload) {
        if (listener[0] === "consent") {
          consent = { advertising: payload.advertising, analytics: payload.analytics, functional: payload.functional };
        }
        tell(listener[2], payload);
      });
    });
  }

  var firstCart = askForCart();
  subscribe();
  window.addEventListener("load", subscribe);
  tell("page_viewed");
})();
