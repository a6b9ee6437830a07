// cartwire.js: a small collector for web pages. It is served by Cartwire itself, below the path of a `segment` source:
//
//   <script async src="https://events.example.com/cartwire.js" data-write-key="..."></script>
//
// Calls made before it is there wait in an array: window.cartwire = window.cartwire || []; cartwire.push(["track", "Signed Up"]).
// Attributes of the tag, all but the first optional:
//   data-write-key       one of the source's write keys
//   data-endpoint        the source's address, if it is not where this script came from
//   data-page            "off": no page event by itself
//   data-analytics       "on" takes the place of window.analytics, whatever is there; "off" leaves it alone; without it, takes
//                        the place of nothing, or of a queue that no other library is going to drain
//                        (Segment's own snippet belongs before this tag then: it starts nothing where analytics is there)
//   data-cart-cookies    the cookies in which the shop keeps the cart's token; "cart" without it, which is Shopify's
//   data-cart-attribute  in a Shopify theme: the attribute of the cart under which to leave the anonymousId, for the orders
//   data-cookie-domain   the domain of the cookies, if it is not the widest one that takes them
//
// Names of cookies are those of analytics.js, so that a visitor stays the same when one takes the other's place.
// Lines that hold nothing but a comment are not sent to browsers.

(function () {
  'use strict'
  const started = window.cartwire
  if (started && started.initialized) return

  const tag = document.currentScript || document.querySelector('script[src*="cartwire.js"]')
  const setting = (name) => (tag && tag.getAttribute('data-' + name)) || ''
  const writeKey = setting('write-key')
  const base = (setting('endpoint') || (tag ? tag.src.split('/cartwire.js')[0] : '')).replace(/\/$/, '')
  const ANONYMOUS = 'ajs_anonymous_id'
  const USER = 'ajs_user_id'
  const TRAITS = 'ajs_user_traits'
  const GROUP = 'ajs_group_id'
  const GROUP_TRAITS = 'ajs_group_properties'
  const SESSION = 'cartwire_session'
  const CONSENT = 'cartwire_consent'
  const CART = 'cartwire_cart'
  const QUEUE = 'cartwire_queue_'
  const SESSION_MS = 30 * 60000
  // What browsers let a page send while it is being left is 64 KB in all.
  const BATCH_BYTES = 60000
  const QUEUE_MAX = 500
  const RETRY_MS = 1000
  const RETRY_MAX_MS = 20000
  // A page that has not touched its queue for so long is gone.
  const ABANDONED_MS = 120000

  const uuid = () => '10000000-1000-4000-8000-100000000000'.replace(/[018]/g, (digit) =>
    (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16))

  // --- What is remembered: in a cookie and in localStorage, each of which may be forbidden.

  const memory = {}
  function read(key) {
    try {
      return JSON.parse(localStorage.getItem(key))
    } catch (e) {
      return key in memory ? memory[key] : null
    }
  }
  function write(key, value) {
    memory[key] = value
    try {
      if (value == null) localStorage.removeItem(key)
      else localStorage.setItem(key, JSON.stringify(value))
    } catch (e) { /* full or forbidden: the page's own memory must do */ }
  }

  function cookie(name) {
    const found = ('; ' + document.cookie).split('; ' + name + '=')[1]
    try {
      return found ? decodeURIComponent(found.split(';')[0]).replace(/^"|"$/g, '') : ''
    } catch (e) {
      return ''
    }
  }
  function setCookie(name, value, domain) {
    const age = value == null ? 0 : 31536000
    document.cookie = name + '=' + encodeURIComponent(value == null ? '' : value) + '; Path=/; SameSite=Lax; Max-Age=' + age +
      (domain ? '; Domain=' + domain : '') + (location.protocol === 'https:' ? '; Secure' : '')
  }
  // The widest domain that takes a cookie: shop.example.com and www.example.com then share the visitor.
  const domain = setting('cookie-domain') || (function () {
    const labels = location.hostname.split('.')
    for (let from = labels.length - 2; from >= 0; from--) {
      const wide = labels.slice(from).join('.')
      setCookie('cartwire_test', '1', wide)
      if (cookie('cartwire_test')) {
        setCookie('cartwire_test', null, wide)
        return wide
      }
    }
    return ''
  })()

  function remembered(name) {
    return cookie(name) || read(name) || null
  }
  function remember(name, value) {
    setCookie(name, value, domain)
    write(name, value)
    return value
  }

  const anonymousId = () => remembered(ANONYMOUS) || remember(ANONYMOUS, uuid())

  // --- The context of every message.

  function campaign(search) {
    const found = {}
    new URLSearchParams(search).forEach((value, key) => {
      if (key.slice(0, 4) === 'utm_' && value) found[key === 'utm_campaign' ? 'name' : key.slice(4)] = value
    })
    return Object.keys(found).length ? found : undefined
  }

  // "gid://shopify/Cart/abc?key=1" is "abc" to the shop's webhooks.
  function cartToken() {
    for (const name of (setting('cart-cookies') || 'cart').split(',')) {
      const token = cookie(name.trim()).split('?')[0].split('/').pop()
      if (token) return token
    }
  }

  // A session ends after half an hour without an event. Its id is when it began.
  function sessionId() {
    const now = Date.now()
    const last = read(SESSION)
    const session = last && now - last.at < SESSION_MS ? last : { id: String(now) }
    session.at = now
    write(SESSION, session)
    return session.id
  }

  // The page as it is, or as Segment's snippet has written it down (`__t: 'bpc'`) with a call that waited. An address that
  // the page declares to be its own one is taken for it, as analytics.js does.
  function pageOf(written) {
    const link = document.querySelector("link[rel='canonical']")
    const { c: canonical, p: path, u: url, s: search, t: title, r: referrer } = written || {
      c: link && link.getAttribute('href'),
      p: location.pathname,
      u: location.href,
      s: location.search,
      t: document.title,
      r: document.referrer,
    }
    const page = { path, referrer, search, title, url: url.split('#')[0] }
    if (canonical) {
      page.url = canonical.indexOf('?') < 0 ? canonical + search : canonical
      page.path = Object.assign(document.createElement('a'), { href: canonical }).pathname || path
    }
    return page
  }

  function contextOf(page) {
    const consent = read(CONSENT)
    return {
      page,
      campaign: campaign(page.search),
      locale: navigator.language,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      screen: { width: screen.width, height: screen.height },
      sessionId: sessionId(),
      cart_token: cartToken(),
      consent: consent ? { categoryPreferences: consent } : undefined,
      library: { name: 'cartwire.js', version: '__VERSION__' },
    }
  }

  // --- The queue. It is kept in localStorage, one entry for each open page, until it has been answered.

  const mine = QUEUE + uuid()
  let queue = []
  let flying = []
  let failures = 0
  let timer = 0
  let gone = false

  function save(at) {
    write(mine, queue.length ? { at, key: writeKey, queue } : null)
  }

  // What pages have left that are gone.
  function adopt() {
    try {
      for (const key of Object.keys(localStorage)) {
        if (key.indexOf(QUEUE) || key === mine) continue
        const left = read(key)
        if (left && left.key === writeKey && Date.now() - left.at > ABANDONED_MS) {
          write(key, null)
          queue = left.queue.concat(queue)
        }
      }
    } catch (e) { /* localStorage is forbidden, so nothing was left */ }
  }

  function bodyOf(batch) {
    return JSON.stringify({ writeKey, sentAt: new Date().toISOString(), batch })
  }

  // As many as fit, and at least one.
  function firstOf(messages) {
    const batch = []
    let bytes = 200
    for (const message of messages) {
      bytes += new Blob([JSON.stringify(message)]).size + 1
      if (batch.length && bytes > BATCH_BYTES) break
      batch.push(message)
    }
    return batch
  }

  function done(batch) {
    queue = queue.filter((message) => batch.indexOf(message) < 0)
  }

  function later(ms) {
    if (!timer) timer = setTimeout(flush, ms)
  }

  function flush() {
    clearTimeout(timer)
    timer = 0
    if (flying.length || !queue.length) return
    const batch = flying = firstOf(queue)
    const body = bodyOf(batch)
    // Plain text needs no preflight. A page that is left meanwhile still sends, within the browser's limit.
    fetch(base + '/v1/b', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      credentials: 'omit',
      keepalive: new Blob([body]).size < BATCH_BYTES + 1000,
      body,
    }).then((reply) => {
      const retry = reply.status === 408 || reply.status === 429 || reply.status >= 500
      return settle(batch, retry, Number(reply.headers.get('retry-after')) * 1000)
    }, () => settle(batch, true, 0))
  }

  function settle(batch, retry, waitMs) {
    flying = []
    if (retry) {
      const backoff = Math.min(RETRY_MS * Math.pow(2, failures++), RETRY_MAX_MS)
      later((waitMs || backoff) * (1 + Math.random() / 4))
    } else {
      failures = 0
      done(batch)
      if (queue.length) later(0)
    }
    save(Date.now())
  }

  // The page is being left, or hidden for who knows how long. As long as nothing has failed, the browser is trusted to
  // finish what it has begun; after a failure all stays for the next page.
  function leave(forGood) {
    if (!failures) {
      let waiting = queue.filter((message) => flying.indexOf(message) < 0)
      while (waiting.length) {
        const batch = firstOf(waiting)
        const body = new Blob([bodyOf(batch)], { type: 'text/plain' })
        if (!navigator.sendBeacon || !navigator.sendBeacon(base + '/v1/b', body)) break
        done(batch)
        waiting = waiting.slice(batch.length)
      }
      if (forGood) done(flying)
    }
    save(forGood ? 0 : Date.now())
  }

  addEventListener('pagehide', () => {
    gone = true
    leave(true)
  })
  // A page that is left is hidden too, after that.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden' && !gone) leave(false)
  })
  addEventListener('online', flush)
  addEventListener('pageshow', (event) => {
    gone = false
    if (!event.persisted) return
    // Back out of the browser's cache: another page may have taken the queue over.
    if (!read(mine)) queue = []
    later(0)
  })

  // --- Calls.

  const listeners = {}
  function emit(name, args) {
    for (const listener of (listeners[name] || []).slice()) listener.apply(null, args)
  }

  function send(type, fields, { options, callback, page }) {
    const { integrations, context, anonymousId: anonymous, userId, timestamp, messageId, ...more } = options || {}
    const message = Object.assign({
      type,
      messageId: messageId || 'cartwire-' + uuid(),
      timestamp: timestamp ? new Date(timestamp).toISOString() : new Date().toISOString(),
      anonymousId: anonymous || anonymousId(),
      userId: userId || remembered(USER) || undefined,
      context: Object.assign(contextOf(page), more, context),
      integrations: integrations || {},
    }, fields)
    linkCart(message)
    if (writeKey) {
      queue.push(message)
      if (queue.length > QUEUE_MAX) queue.shift()
      save(Date.now())
      // Calls of one moment go together.
      later(failures ? RETRY_MS : 20)
    }
    emit(type, [fields.event || fields.name || fields.userId, fields.properties || fields.traits, options])
    if (callback) setTimeout(callback, 0)
    return Promise.resolve({ event: message })
  }

  // Leaves the anonymousId in the cart, once for each of both: orders then tell it.
  function linkCart(message) {
    const attribute = setting('cart-attribute')
    const token = message.context.cart_token
    const link = token + '/' + message.anonymousId
    if (!attribute || !token || read(CART) === link) return
    write(CART, link)
    const root = (window.Shopify && Shopify.routes && Shopify.routes.root) || '/'
    fetch(root + 'cart/update.js', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ attributes: { [attribute]: message.anonymousId } }),
    }).then((reply) => { if (!reply.ok) write(CART, null) }, () => write(CART, null))
  }

  // A call's arguments without the callback, which is the last one wherever it stands, and without what the snippet has
  // written down behind it.
  function callOf(given) {
    const args = Array.from(given)
    const last = args[args.length - 1]
    const written = last && last.__t === 'bpc' ? args.pop() : undefined
    const end = args.findIndex((arg) => typeof arg === 'function')
    const callback = args[end]
    return { args: end < 0 ? args : args.slice(0, end), callback, page: pageOf(written) }
  }
  const isMap = (value) => Object.prototype.toString.call(value) === '[object Object]'
  const isText = (value) => typeof value === 'string' || typeof value === 'number'
  const mapOf = (value) => (isMap(value) ? value : {})
  const textOf = (value) => (value == null || value === '' ? undefined : String(value))

  // (category, name, properties, options), where one text is the name and one map the properties, unless it stands in the
  // options' place.
  function viewOf(given) {
    const call = callOf(given)
    const { args } = call
    const texts = args.filter(isText)
    const [category, name] = texts.length > 1 ? texts : [undefined, texts[0]]
    const maps = args.filter(isMap)
    if (maps.length === 1 && isMap(args[3])) maps.unshift({})
    call.fields = { name: textOf(name), category: textOf(category), properties: mapOf(maps[0]) }
    call.options = maps[1]
    return call
  }

  // (id, traits, options), where traits may stand first. An id or traits that are left out are the last ones told; those of
  // somebody else are not.
  function personOf(given, idKey, traitsKey) {
    const call = callOf(given)
    const { args } = call
    if (isMap(args[0])) args.unshift(null)
    const before = remembered(idKey)
    call.id = textOf(args[0]) || before || undefined
    call.traits = Object.assign(before && before !== call.id ? {} : read(traitsKey) || {}, mapOf(args[1]))
    call.options = args[2]
    if (call.id) remember(idKey, call.id)
    write(traitsKey, call.traits)
    return call
  }

  function known(idKey, traitsKey) {
    return {
      id: (id) => (id === undefined ? remembered(idKey) : remember(idKey, id)),
      traits: (traits) => (traits === undefined ? read(traitsKey) || {} : (write(traitsKey, traits), traits)),
    }
  }

  // As in analytics.js an argument is known by its place, which null or undefined keeps free.
  const api = {
    initialized: true,
    // By this Segment's snippet knows that there is nothing for it to do.
    initialize: true,

    track() {
      const call = callOf(arguments)
      let [event, properties, options] = call.args
      if (isMap(event)) [event, properties, options] = [event.event, event.properties, properties]
      call.options = options
      return send('track', { event: textOf(event), properties: mapOf(properties) }, call)
    },

    page() {
      const call = viewOf(arguments)
      const { name, category, properties } = call.fields
      call.fields.properties = Object.assign({}, call.page, { name, category }, properties)
      return send('page', call.fields, call)
    },

    screen() {
      const call = viewOf(arguments)
      return send('screen', call.fields, call)
    },

    identify() {
      const call = personOf(arguments, USER, TRAITS)
      return send('identify', { userId: call.id, traits: call.traits }, call)
    },

    // Without arguments it tells of the group.
    group() {
      if (!arguments.length) return known(GROUP, GROUP_TRAITS)
      const call = personOf(arguments, GROUP, GROUP_TRAITS)
      return send('group', { groupId: call.id, traits: call.traits }, call)
    },

    alias() {
      const call = callOf(arguments)
      const [to, from] = call.args.filter(isText)
      call.options = call.args.find(isMap)
      return send('alias', { userId: textOf(to), previousId: textOf(from) || remembered(USER) || anonymousId() }, call)
    },

  // Somebody logs out: what follows is about somebody else.
    reset() {
      for (const name of [USER, ANONYMOUS, GROUP]) remember(name, null)
      for (const name of [TRAITS, GROUP_TRAITS, SESSION, CART]) write(name, null)
      emit('reset', [])
      return Promise.resolve()
    },

    ready(callback) {
      if (callback) setTimeout(callback, 0)
      return Promise.resolve(api)
    },

    user: () => Object.assign(known(USER, TRAITS), {
      anonymousId: (id) => (id === undefined ? anonymousId() : remember(ANONYMOUS, id || uuid())),
    }),
    setAnonymousId: (id) => remember(ANONYMOUS, id || uuid()),

    // What the visitor has agreed to, as { analytics: true, advertising: false }; told with every later message.
    consent(preferences) {
      write(CONSENT, preferences)
    },

    on(name, listener) {
      (listeners[name] = listeners[name] || []).push(listener)
      return api
    },
    once(name, listener) {
      const once = function () {
        api.off(name, once)
        listener.apply(null, arguments)
      }
      return api.on(name, once)
    },
    off(name, listener) {
      listeners[name] = (listeners[name] || []).filter((other) => listener && other !== listener)
      return api
    },

    trackLink: (elements, event, properties) => follow('click', elements, event, properties),
    trackForm: (elements, event, properties) => follow('submit', elements, event, properties),

    // A queue's way to call: push(["track", "Signed Up"]).
    push() {
      for (const call of arguments) {
        const [name, ...args] = Array.isArray(call) ? call : [call]
        if (typeof api[name] === 'function') api[name].apply(api, args)
        else if (typeof name === 'function') name()
      }
    },
  }
  api.trackClick = api.trackLink
  api.trackSubmit = api.trackForm
  api.pageview = api.page
  api.load = api.debug = () => api
  for (const name of ['addSourceMiddleware', 'addIntegrationMiddleware', 'addDestinationMiddleware', 'register']) {
    api[name] = () => {
      console.warn('cartwire.js has no ' + name + ': change events in a pipeline instead')
      return Promise.resolve(api)
    }
  }

  // No click has to wait until its event is sent: that goes on when the page is left.
  function follow(kind, elements, event, properties) {
    const value = (given, element) => (typeof given === 'function' ? given(element) : given)
    for (const element of elements && elements.length !== undefined && !elements.tagName ? elements : [elements]) {
      if (element) element.addEventListener(kind, () => api.track(value(event, element), value(properties, element)))
    }
    return api
  }

  // --- Start: take over what waited, and tell of the page unless the page does itself.

  if (!writeKey) console.warn('cartwire.js: data-write-key is missing, nothing is sent')
  if (writeKey) adopt()

  let told = setting('page') === 'off'
  function drain(waiting) {
    if (!Array.isArray(waiting)) return
    const calls = waiting.splice(0)
    told = told || calls.some((call) => call[0] === 'page' || call[0] === 'pageview')
    // Whoever holds on to the array calls through it.
    waiting.push = api.push
    calls.forEach((call) => api.push(call))
  }

  window.cartwire = api
  drain(started)
  const other = window.analytics
  const whether = setting('analytics')
  const unclaimed = !other || (Array.isArray(other) && !other.initialized && !('_loadOptions' in other))
  if (whether === 'on' || (whether !== 'off' && unclaimed)) {
    window.analytics = api
    drain(other)
  }
  if (!told) api.page()
  if (queue.length) later(0)
})()
