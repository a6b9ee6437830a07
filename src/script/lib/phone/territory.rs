//! The table of territories.

const TABLE: &str = include_str!("territories.csv");

/// How a territory's numbers are dialled.
#[derive(Debug)]
pub(super) struct Territory<'a> {
    /// ISO 3166 code.
    pub(super) region: &'a str,
    /// Calling code.
    pub(super) code: &'a str,
    /// What is dialled for other countries; several are separated by `|`.
    pub(super) exit: &'a str,
    /// What is dialled before a number inside the country, the longest first.
    pub(super) trunk: &'a str,
    /// Lengths of national numbers: `7-9|11`.
    lengths: &'a str,
}

impl Territory<'_> {
    /// Whether a national number can have so many digits.
    pub(super) fn is_length(&self, digits: usize) -> bool {
        self.lengths.split('|').any(|range| {
            let (least, most) = range.split_once('-').unwrap_or((range, range));
            let bounds = least.parse().ok().zip(most.parse().ok());
            bounds.is_some_and(|(least, most): (usize, usize)| (least..=most).contains(&digits))
        })
    }
}

fn all() -> impl Iterator<Item = Territory<'static>> {
    TABLE.lines().skip(1).filter_map(|line| {
        let mut columns = line.split(',');
        Some(Territory {
            region: columns.next()?,
            code: columns.next()?,
            exit: columns.next()?,
            trunk: columns.next()?,
            lengths: columns.next()?,
        })
    })
}

/// The territory with an ISO code, in whatever case.
pub(super) fn by_region(region: &str) -> Option<Territory<'static>> {
    let region = region.trim();
    all().find(|territory| territory.region.eq_ignore_ascii_case(region))
}

/// The territories with a calling code: +1 has many.
pub(super) fn by_code(code: &str) -> impl Iterator<Item = Territory<'static>> {
    all().filter(move |territory| territory.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_whole() {
        assert_eq!(all().count(), TABLE.lines().count() - 1);
        for territory in all() {
            assert!(
                !territory.code.is_empty() && territory.code.bytes().all(|byte| byte.is_ascii_digit()),
                "{territory:?}"
            );
            assert!((4..=15).any(|digits| territory.is_length(digits)), "{territory:?}");
            assert!(territory.exit.starts_with(|c: char| c.is_ascii_digit()), "{territory:?}");
        }
    }
}
