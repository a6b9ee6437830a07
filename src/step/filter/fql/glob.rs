//! The patterns of `match`: `*`, `?`, `[abc]`, `[a-z]`, and `\x` for a literal character. They match whole texts.

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Any characters, also none.
    Star,
    /// One character.
    One,
    /// This one.
    Literal(char),
    /// One within these ranges.
    Class(Vec<(char, char)>),
}

impl Glob {
    /// Compiles a pattern, or says why it is none.
    pub(super) fn new(pattern: &str) -> Result<Self, &'static str> {
        let mut pieces = Vec::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            pieces.push(match c {
                '*' => Piece::Star,
                '?' => Piece::One,
                '[' => Piece::Class(class(&mut chars)?),
                '\\' => Piece::Literal(chars.next().ok_or("the pattern ends in `\\`")?),
                c => Piece::Literal(c),
            });
        }
        // Several stars match what one does, and would only cost time.
        pieces.dedup_by(|one, two| *one == Piece::Star && *two == Piece::Star);
        Ok(Self(pieces))
    }

    /// Whether all of a text matches. It only ever goes back to the last star, so the time is at most their lengths' product.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (mut piece, mut rest) = (0, text.chars());
        let mut star = None;
        loop {
            let mut next = rest.clone();
            match (self.0.get(piece), next.next()) {
                (Some(Piece::Star), _) => {
                    piece += 1;
                    star = Some((piece, rest.clone()));
                    continue;
                }
                (None, None) => return true,
                (Some(wanted), Some(c)) if wanted.takes(c) => {
                    piece += 1;
                    rest = next;
                    continue;
                }
                _ => {}
            }
            let Some((behind, mut from)) = star.take() else { return false };
            if from.next().is_none() {
                return false;
            }
            piece = behind;
            rest = from.clone();
            star = Some((behind, from));
        }
    }
}

impl Piece {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Star => false,
            Self::One => true,
            Self::Literal(literal) => *literal == c,
            Self::Class(ranges) => ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)),
        }
    }
}

/// What stands behind `[`, up to and with `]`.
fn class(chars: &mut std::str::Chars<'_>) -> Result<Vec<(char, char)>, &'static str> {
    const OPEN: &str = "a `[` of the pattern has no `]`";
    let mut ranges = Vec::new();
    loop {
        let first = match chars.next().ok_or(OPEN)? {
            ']' if ranges.is_empty() => return Err("a `[]` of the pattern is empty"),
            ']' => return Ok(ranges),
            '\\' => chars.next().ok_or(OPEN)?,
            c => c,
        };
        let mut ahead = chars.clone();
        let last = match (ahead.next(), ahead.next()) {
            // A `-` at the end is itself.
            (Some('-'), Some(c)) if c != ']' => {
                *chars = ahead;
                if c == '\\' { chars.next().ok_or(OPEN)? } else { c }
            }
            _ => first,
        };
        if last < first {
            return Err("a range of the pattern goes backwards");
        }
        ranges.push((first, last));
    }
}
