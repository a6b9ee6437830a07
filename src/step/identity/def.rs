//! The options of `identity`, and what the reference says of it.

use crate::registry::{Def, Default, Opt, Room, Shape, Type};

const HOLD: [Opt; 3] = [
    Opt {
        name: "window",
        ty: Type::Duration,
        default: Default::Is("30s"),
        about: "How long after it happened an event waits; `0s`: none does.",
    },
    Opt {
        name: "for",
        ty: Type::List(&Type::Text),
        default: Default::Is("[cart, checkout]"),
        about: "Which `sessions` are waited for: an event that has one of these.",
    },
    Opt {
        name: "after",
        ty: Type::List(&Type::Text),
        default: Default::Is("[order]"),
        about: "An event that names nobody and has none of `for`, but one of these `sessions`, of which nothing was told yet, waits \
                until something is: a refund for its order.",
    },
];

pub(super) const DEF: Def = Def {
    name: "identity",
    room: Room::Step,
    about: "Gives events the ids that others told of the same visit",
    details: "Keeps durable links between `anonymousId`, `userId`, what stands for a visit (`sessions`: a cart, a checkout, an order) and \
              what stands for a person (`persons`: an e-mail address). An event that lacks an id gets it from them: a webhook the \
              browser's `anonymousId`, a page view the `userId` of who has logged in, a refund both of its order's. Ids that are there \
              are never replaced, but for an `anonymousId` that was derived (it begins with `derived`) because none was known.\n\n\
              **Telling Segment.** When an event reveals that a browser is a user's, and no identify message with both ids has gone yet, \
              one goes before it, once. Segment then ties the visit's earlier events to the user. What a library of Segment's says with \
              both ids needs none: the library tells of them itself. A derived `anonymousId` that has gone out for an order before \
              its user was known is told of in the same way.\n\n\
              **Waiting.** A webhook can overtake the browser. Where browsers were heard of within the last hour (by events with `context.page.url`), an event that has a \
              session but no browser waits (`hold`) until the browser's event comes, or until the time is over; so does a refund that overtakes \
              its order. Where no browser comes, the events of one session have one derived `anonymousId`.\n\n\
              **Not mixing people up.** A browser has one user at a time: who identifies later has it from then on, and what happened \
              before stays with who was there. An event that names a person nobody knows is not taken for the browser's user. A browser \
              that more than `users_max` users had is a shared device, and tells of nobody. After one of `reset_on` a browser is nobody's, and so it is \
              when `context.signed_in`, where a shop tells it, was true and is false. \
              Placeholders (`blocked`, and ids of zeros) are no ids, and leave the event.\n\n\
              The time is that of the events, so the order in which they come does not matter. Put the step behind the script that makes \
              the messages, before `dedupe`. Its links are kept under its `id`.",
    shape: Shape::Options {
        options: &[
            Opt {
                name: "sessions",
                ty: Type::Map(&Type::List(&Type::Path)),
                default: Default::Is(
                    "{ cart: [context.cart_token, properties.cart_id], checkout: [context.checkout_token, properties.checkout_id], \
                     order: [properties.order_id] }",
                ),
                about: "What stands for a visit: a name, and the fields that may hold it.",
            },
            Opt {
                name: "persons",
                ty: Type::Map(&Type::List(&Type::Path)),
                default: Default::Is("{ email: [traits.email, context.traits.email] }"),
                about: "What stands for a person beside `userId`.",
            },
            Opt {
                name: "hold",
                ty: Type::Options(&HOLD, Some("window")),
                default: Default::Is("{}"),
                about: "Which events wait for their browser, and how long.",
            },
            Opt {
                name: "identify",
                ty: Type::Bool,
                default: Default::Is("true"),
                about: "Whether a new link is told by an identify message.",
            },
            Opt {
                name: "merge",
                ty: Type::Bool,
                default: Default::Is("false"),
                about: "Whether after an alias message (customers that were merged) the links of its `previousId` are those of its \
                        `userId`. Not where browsers can send one: anybody could take over another's.",
            },
            Opt {
                name: "ttl",
                ty: Type::Duration,
                default: Default::Is("90d"),
                about: "How long a link is kept that is not seen again.",
            },
            Opt {
                name: "users_max",
                ty: Type::Int(1, 1000),
                default: Default::Is("5"),
                about: "How many users a browser may have had before it is taken for a shared device.",
            },
            Opt {
                name: "reset_on",
                ty: Type::List(&Type::Text),
                default: Default::Is("[Signed Out, User Signed Out, Logged Out]"),
                about: "Names of track events after which a browser is nobody's.",
            },
            Opt {
                name: "blocked",
                ty: Type::List(&Type::Text),
                default: Default::Is(
                    "[\"null\", \"undefined\", \"none\", \"nan\", \"false\", \"true\", \"n/a\", \"unknown\", \"anonymous\", \"guest\", \
                     \"0\", \"-1\", \"[object Object]\"]",
                ),
                about: "Values that are no ids, in any case.",
            },
            Opt {
                name: "derived",
                ty: Type::Text,
                default: Default::Is("cw-"),
                about: "How an `anonymousId` begins that was made for want of a browser's. Those of the shipped scripts begin so.",
            },
        ],
        short: None,
    },
    example: "- identity:\n    sessions: { cart: context.cart_token, order: [properties.order_id] }\n    persons: { email: traits.email }\n    \
              hold: { window: 20s, for: [cart] }\n    merge: true\n    ttl: 30d\n    reset_on: [Signed Out]\n",
};
