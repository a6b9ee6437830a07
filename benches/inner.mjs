// The inner loop of benches/codec.rs in plain Node: parse, rewrite, stringify. Prints the median nanoseconds per event.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

const rewrites = {
  A(text) {
    const event = JSON.parse(text);
    if (event.type !== "track") return "";
    event.event = "Order Completed";
    const email = event.properties.email.trim().toLowerCase();
    event.properties.email_sha256 = sha256(email);
    event.properties.store = "north";
    event.userId = email;
    delete event.properties.email;
    delete event.properties.internal_note;
    let sum = 0;
    for (const product of event.properties.products) sum += product.price * product.quantity;
    event.properties.revenue = sum;
    event.context.app = { name: "shop", version: "1.4.2" };
    event.context.ip = "0.0.0.0";
    return JSON.stringify(event);
  },
  B(text) {
    const event = JSON.parse(text);
    if (event.test) return "";
    event.event = "Order Completed";
    const email = event.email.trim().toLowerCase();
    event.customer.email_sha256 = sha256(email);
    event.source_name = "north";
    event.contact_email = email;
    delete event.email;
    delete event.note;
    let sum = 0;
    for (const item of event.line_items) sum += Number(item.price) * item.quantity;
    event.revenue = sum;
    event.client_details.app = { name: "shop", version: "1.4.2" };
    event.client_details.browser_ip = "0.0.0.0";
    return JSON.stringify(event);
  },
};

const [name, file] = process.argv.slice(2);
const events = readFileSync(file, "utf8").split("\n").filter(Boolean);
const rewrite = rewrites[name];
const rounds = [];
let written = 0;
for (let round = 0; round < 301; round += 1) {
  const start = process.hrtime.bigint();
  for (const text of events) written += rewrite(text).length;
  rounds.push(Number(process.hrtime.bigint() - start) / events.length);
}
// The first rounds are the compiler's.
const warm = rounds.slice(100).sort((one, other) => one - other);
console.log(JSON.stringify({ ns: warm[warm.length >> 1], written }));
