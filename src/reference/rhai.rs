//! What of Rhai one must know who comes from JavaScript. Data only; every example is run as a test.

/// One habit that is another here.
#[derive(Debug)]
pub struct Lesson {
    /// A word or two.
    pub name: &'static str,
    /// How it is.
    pub about: &'static str,
    /// Lines of a script. One with `==` holds.
    pub example: &'static str,
}

/// The page, of which all lessons are a part.
#[derive(Debug)]
pub struct Minute {
    /// As it is asked for.
    pub name: &'static str,
    /// The heading.
    pub title: &'static str,
    /// What stands before the lessons.
    pub about: &'static str,
    /// In the order in which one needs them.
    pub lessons: &'static [Lesson],
}

/// Rhai in one minute.
pub static MINUTE: Minute = Minute {
    name: "rhai",
    title: "Rhai in one minute",
    about: "For those who know JavaScript. What looks the same mostly is; what follows is not, and some of it fails without a word. \
            `cartwire check` warns where it can tell. A line with `==` holds.",
    lessons: LESSONS,
};

const LESSONS: &[Lesson] = &[
    Lesson {
        name: "Nothing is `()`",
        about: "It stands for `null`, and for what a map does not have. `?.` goes on where there is something, `??` gives a default.",
        example: "let order = #{ customer: #{ id: 7 }, note: () };
order.coupon == ()
order.billing?.city == ()
(order.customer?.name ?? \"nobody\") == \"nobody\"",
    },
    Lesson {
        name: "Only `true` is true",
        about: "A condition takes nothing but `true` and `false`: a text, a number or `()` in its place is an error. `if` gives a value, \
                where JavaScript has `? :`.",
        example: "let name = \"\";
text::is_blank(name) == true
let size = if 60 > 50 { \"big\" } else { \"small\" };
size == \"big\"
(\"sku\" in #{ sku: \"MUG-1\" }) == true
(2 in [1, 2]) == true",
    },
    Lesson {
        name: "Whole numbers stay whole",
        about: "A whole number divided by a whole number loses what is behind the point. JSON's `5490` is whole, `54.90` is not. For money \
                there are exact decimals.",
        example: "5490 / 100 == 54
5490 / 100.0 == 54.9
money::minor(\"USD\", 5490) == money::parse(\"54.90\")
(5490 / 100).to_int() == 54",
    },
    Lesson {
        name: "Methods change in place",
        about: "`trim`, `replace`, `make_lower`, `push`, `insert`, `sort`, `reverse` and their like change what they are called on and give \
                `()`: call them on a variable, or take a function that gives another value. `to_lower`, `split`, `sub_string`, `map` and \
                `filter` give one.",
        example: "let name = \" Ada \";
name.trim();
name == \"Ada\"
text::trim(\" Ada \") == \"Ada\"
let sizes = [2, 3, 1];
sizes.sort();
sizes == [1, 2, 3]
[1] + [2] == [1, 2]",
    },
    Lesson {
        name: "Everything is a copy",
        about: "A map or a list that is given to another variable, to a function or to a loop is copied, and a change of the copy is no \
                change of the first. Let the function give it back, or make it a method, which has the value itself in `this`.",
        example: "fn doubled(line) { line.quantity *= 2; line }
fn map.double() { this.quantity *= 2; }
let line = #{ quantity: 1 };
let other = line;
other.quantity = 5;
line.quantity == 1
doubled(line).quantity == 2
line.double();
line.quantity == 2",
    },
    Lesson {
        name: "Loops go over copies",
        about: "To change the items of a list, go by their numbers, or let `for_each` go over them, with the item in `this`. `map` gives \
                another list.",
        example: "let lines = [#{ price: 10 }, #{ price: 20 }];
for (line, number) in lines { lines[number].total = line.price * 2; }
lines[1].total == 40
lines.for_each(|| this.price += 1);
lines.map(|line| line.price) == [11, 21]
let sum = 0;
for line in lines { sum += line.price; }
sum == 32",
    },
    Lesson {
        name: "Functions see their parameters",
        about: "And nothing else of the script: not `event`, not `settings`, no variable. Constants they see as `global::NAME`. What a \
                function ends with, without `;`, is what it gives.",
        example: "const RATE = 3;
fn rated(amount) { amount * global::RATE }
rated(2) == 6",
    },
    Lesson {
        name: "Texts",
        about: "They stand in double quotes, or between backticks with `${…}` in them. `+` puts anything to a text.",
        example: "let count = 2;
`${count} mugs` == \"2 mugs\"
\"SKU-\" + 7 == \"SKU-7\"
\"MUG-1\".sub_string(0, 3) == \"MUG\"
text::split(\"a, b\", \",\") == [\"a\", \"b\"]
text::join([\"a\", \"b\"], \"-\") == \"a-b\"",
    },
    Lesson {
        name: "Maps",
        about: "A map is written `#{ … }`. Setting a field below one that is not there is an error, unless `path::set` does it.",
        example: "let event = #{ properties: #{ sku: \"MUG-1\", note: \"x\" } };
event.properties.remove(\"note\");
path::set(event, \"context.campaign.source\", \"news\");
event.context.campaign.source == \"news\"
event.properties + #{ brand: \"North\" } == #{ sku: \"MUG-1\", brand: \"North\" }
event.properties.keys() == [\"sku\"]",
    },
    Lesson {
        name: "Errors",
        about: "Nothing that a script has emitted leaves if it fails; the event is a dead letter. `try` and `catch` are as usual.",
        example: "let found = \"\";
try { throw \"no price\"; } catch (error) { found = error; }
found == \"no price\"",
    },
];
