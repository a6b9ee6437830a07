// The `rewrite` job as a plain Node program: what Cartwire is compared with. Usage: node rewrite.mjs IN OUT
import { createHash } from "node:crypto";
import { openSync, readSync, writeSync, closeSync } from "node:fs";

const names = new Map([
  ["Completed Order", "Order Completed"],
  ["Viewed Product", "Product Viewed"],
  ["Added Product", "Product Added"],
  ["Removed Product", "Product Removed"],
  ["Viewed Product Category", "Product List Viewed"],
  ["Started Order", "Checkout Started"],
]);

function rewrite(event) {
  if (event.properties?.internal === true) return null;
  event.event = names.get(event.event) ?? event.event;
  if (event.properties !== undefined) {
    const email = event.properties.email;
    delete event.properties.email;
    if (typeof email === "string") {
      event.context.traits = { email_sha256: createHash("sha256").update(email.trim().toLowerCase()).digest("hex") };
    }
    delete event.properties.debug;
    if (event.properties.products !== undefined) {
      let revenue = 0;
      for (const product of event.properties.products) revenue += product.price * product.quantity;
      event.properties.revenue = Math.round(revenue * 100) / 100;
    }
  }
  event.context.app = { name: "shop", version: "2.4.0" };
  event.context.store = "north";
  return event;
}

export function run(input, output, each) {
  const from = openSync(input, "r");
  const to = openSync(output, "w");
  const chunk = Buffer.allocUnsafe(256 * 1024);
  let rest = "";
  let out = [];
  let size = 0;
  const decoder = new TextDecoder();
  const flush = () => {
    if (out.length > 0) writeSync(to, out.join(""));
    out = [];
    size = 0;
  };
  for (;;) {
    const read = readSync(from, chunk, 0, chunk.length, null);
    const text = rest + decoder.decode(chunk.subarray(0, read), { stream: read > 0 });
    const lines = text.split("\n");
    rest = read > 0 ? lines.pop() : "";
    for (const line of lines) {
      if (line === "") continue;
      const event = each(JSON.parse(line));
      if (event === null) continue;
      const written = JSON.stringify(event) + "\n";
      out.push(written);
      size += written.length;
      if (size > 256 * 1024) flush();
    }
    if (read === 0) break;
  }
  flush();
  closeSync(from);
  closeSync(to);
}

if (process.argv[1].endsWith("rewrite.mjs")) run(process.argv[2], process.argv[3], rewrite);
