//! Splitting a text into words, for the styles of writing names.

/// Words: runs of letters and digits, also told apart where a capital follows a small letter (`orderId`), or starts a small
/// word after capitals (`HTTPRequest`).
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    let mut before: Option<char> = None;
    while let Some(c) = chars.next() {
        if !c.is_alphanumeric() {
            words.extend(finished(&mut word));
            before = None;
            continue;
        }
        let after_small = before.is_some_and(|before| before.is_lowercase() || before.is_numeric());
        let before_small =
            before.is_some_and(char::is_uppercase) && chars.peek().is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && (after_small || before_small) {
            words.extend(finished(&mut word));
        }
        word.extend(c.to_lowercase());
        before = Some(c);
    }
    words.extend(finished(&mut word));
    words
}

fn finished(word: &mut String) -> Option<String> {
    (!word.is_empty()).then(|| std::mem::take(word))
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// `orderCompleted`.
pub fn camel(text: &str) -> String {
    words(text).iter().enumerate().map(|(at, word)| if at == 0 { word.clone() } else { capital(word) }).collect()
}

/// `OrderCompleted`.
pub fn pascal(text: &str) -> String {
    words(text).iter().map(|word| capital(word)).collect()
}

/// Words that stay small inside an English title.
pub const SMALL: [&str; 20] = [
    "a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "nor", "of", "on", "or", "per", "the", "to", "via",
    "vs", "with",
];

/// `Order Completed`; the small words stay small except at both ends.
pub fn title(text: &str, small: &[&str]) -> String {
    let words = words(text);
    let last = words.len().saturating_sub(1);
    let write = |(at, word): (usize, &String)| {
        if at != 0 && at != last && small.contains(&word.as_str()) { word.clone() } else { capital(word) }
    };
    words.iter().enumerate().map(write).collect::<Vec<_>>().join(" ")
}

/// With a capital first letter, all else as it is.
pub fn first_upper(text: &str) -> String {
    capital(text)
}

/// `order_completed` with any separator.
pub fn joined(text: &str, separator: &str) -> String {
    words(text).join(separator)
}

/// Like [`joined`] with `-`, but a change of case does not start a word.
pub fn slug(text: &str) -> String {
    let lower = text.to_lowercase();
    let parts: Vec<_> = lower.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    parts.join("-")
}
