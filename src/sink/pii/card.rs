//! Numbers of payment cards: as a network issues them, with the right check digit.

/// Digits of the longest card number.
const DIGITS_MAX: usize = 19;

/// Whether these bytes are a card number: digits, in groups with a space or a dash between them if it is a text.
///
/// A JSON number must have 15 or 16 digits: shorter and longer ones are ids of shops far more often than cards.
pub(super) fn is_card(bytes: &[u8], is_number: bool) -> bool {
    let least = if is_number { 15 } else { 14 };
    if bytes.len() < least || bytes.len() > DIGITS_MAX + 6 || (is_number && bytes.len() > 16) {
        return false;
    }
    let mut digits = [0_u8; DIGITS_MAX];
    let mut count = 0;
    let mut last_was_digit = false;
    for byte in bytes {
        match byte {
            b'0'..=b'9' if count < DIGITS_MAX => {
                digits[count] = byte - b'0';
                count += 1;
                last_was_digit = true;
            }
            b' ' | b'-' if last_was_digit && !is_number => last_was_digit = false,
            _ => return false,
        }
    }
    let digits = &digits[..count];
    last_was_digit && count >= least && is_issued(digits) && check_digit_is_right(digits)
}

/// Whether a network issues numbers that begin so, with so many digits.
fn is_issued(digits: &[u8]) -> bool {
    let first = |count: usize| digits[..count].iter().fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    match digits.len() {
        14 => matches!(first(3), 300..=305 | 309 | 360..=369 | 380..=399),
        15 => matches!(first(2), 34 | 37),
        length @ 16..=19 => {
            let visa = digits[0] == 4 && length != 17 && length != 18;
            let mastercard = length == 16 && matches!(first(4), 5100..=5599 | 2221..=2720);
            let discover = matches!(first(4), 6011 | 6440..=6599);
            let others = matches!(first(4), 3528..=3589 | 6200..=6299 | 8100..=8171);
            let maestro = length > 16 && matches!(first(4), 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763);
            visa || mastercard || discover || others || maestro
        }
        _ => false,
    }
}

/// Luhn: every second digit from the right counts twice.
fn check_digit_is_right(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let value = u32::from(*digit) << (at % 2);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}
