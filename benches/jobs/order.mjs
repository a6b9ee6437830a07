// The `order` job as a plain Node program: Shopify orders to Order Completed. Usage: node order.mjs IN OUT
import { run } from "./rewrite.mjs";

const cents = (text) => Math.round(Number(text) * 100);
const money = (value) => value / 100;

function completed(order) {
  if (order.test === true) return null;
  const products = order.line_items.map((line, index) => {
    const discount = line.discount_allocations.reduce((sum, part) => sum + cents(part.amount), 0);
    const product = {
      product_id: String(line.product_id),
      variant_id: String(line.variant_id),
      sku: line.sku,
      name: line.title,
      variant: line.variant_title,
      brand: line.vendor,
      price: money(cents(line.price)),
      quantity: line.quantity,
      position: index + 1,
    };
    if (discount > 0) product.discount = money(discount);
    return product;
  });
  const shipping = order.shipping_lines.reduce(
    (sum, line) => sum + cents(line.price) - line.discount_allocations.reduce((part, one) => part + cents(one.amount), 0),
    0,
  );
  return {
    type: "track",
    event: "Order Completed",
    messageId: `order-${order.id}`,
    userId: String(order.customer.id),
    timestamp: order.created_at,
    context: { ip: order.browser_ip, userAgent: order.client_details.user_agent },
    properties: {
      order_id: String(order.id),
      checkout_id: order.checkout_token,
      affiliation: order.source_name,
      subtotal: money(cents(order.subtotal_price)),
      revenue: money(cents(order.subtotal_price)),
      shipping: money(shipping),
      tax: money(cents(order.total_tax)),
      discount: money(cents(order.total_discounts)),
      total: money(cents(order.total_price)),
      coupon: order.discount_codes.map((code) => code.code).join(","),
      currency: order.currency,
      email: order.email.toLowerCase(),
      products,
    },
  };
}

run(process.argv[2], process.argv[3], completed);
