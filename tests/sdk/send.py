"""Sends one of each call with segment-analytics-python, unmodified, and prints what it sent as a JSON array.

Usage: python send.py HOST WRITE_KEY [COUNT]
"""

import datetime
import json
import sys
import uuid

from segment.analytics.client import Client

host, write_key = sys.argv[1:3]
count = int(sys.argv[3]) if len(sys.argv) > 3 else 200
sent = []
errors = []
# gzip on: the other client sends plain bodies.
client = Client(write_key, host=host, gzip=True, upload_size=50, timeout=5, on_error=lambda error, _: errors.append(repr(error)))
WIRE_NAMES = {"user_id": "userId", "anonymous_id": "anonymousId", "group_id": "groupId", "previous_id": "previousId"}


def send(kind, **fields):
    """Makes the call and notes it as it should stand on the wire."""
    message_id = f"python-{uuid.uuid4()}"
    timestamp = datetime.datetime.now(datetime.timezone.utc)
    getattr(client, kind)(message_id=message_id, timestamp=timestamp, **fields)
    wire = {WIRE_NAMES.get(name, name): value for name, value in fields.items()}
    sent.append({"type": kind, "messageId": message_id, "timestamp": timestamp.isoformat(), **wire})


user_id = "sdk-user-43"
send(
    "identify",
    user_id=user_id,
    traits={"name": "Zoë Müller-日本", "email": "zoe@example.com", "address": {"city": "Kraków"}, "tags": ["a", "b"], "nothing": None},
    context={"ip": "203.0.113.7", "locale": "pl-PL"},
)
send(
    "track",
    user_id=user_id,
    event="Order Completed",
    properties={
        "order_id": "820982911946154508",
        "subtotal": 22.5,
        "revenue": 22.5,
        "shipping": 3,
        "tax": 2,
        "discount": 2.5,
        "total": 27.5,
        "currency": "USD",
        "products": [
            {"product_id": "507f1f77bcf86cd799439011", "name": "Monopoly: 3rd Edition", "price": 19, "quantity": 1, "attributes": {"sizes": ["S", "M"]}},
            {"product_id": "505bd76785ebb509fc183733", "name": "Uno Card Game", "price": 3, "quantity": 2, "attributes": {}},
        ],
    },
    integrations={"All": True, "Salesforce": False},
)
send(
    "track",
    user_id=user_id,
    event='Ünïcode ✓ 😀 "quoted" \\ </script> \u2028',
    properties={
        "beyond_2_53": 9007199254740993,
        "beyond_2_63": 9223372036854775809,
        "beyond_2_64": 123456789012345678901234567890,
        "negative": -820982911946154508,
        "cents": 0.1,
        "huge": 1e300,
        "text": "tab\tnewline\n\u0007\U0010ffff",
    },
)
send("page", user_id=user_id, category="Docs", name="Home", properties={"url": "https://example.com/?q=a%20b&c=d#e"})
send("screen", user_id=user_id, category="App", name="Start", properties={"width": 320})
send("group", user_id=user_id, group_id="group-7", traits={"employees": 12, "plan": "enterprise"})
send("alias", user_id=user_id, previous_id="sdk-anonymous-1")
send("track", anonymous_id="sdk-anonymous-2", event="Signed Out", properties={"empty": {}})
for n in range(count):
    send("track", user_id=user_id, event="Item Counted", properties={"n": n, "half": n / 2, "label": f"№ {n}"})
client.shutdown()
if errors:
    sys.exit("\n".join(errors))
print(json.dumps(sent))
