//! CSV (RFC 4180) into a map: the first column is the key.

use rhai::{Dynamic, Map};

/// Reads a table with a header line. With two columns the second is the value, with more the row is, as a map.
pub fn parse(text: &str) -> Result<Map, String> {
    let mut rows = rows(text.trim_start_matches('\u{feff}'))?.into_iter();
    let Some((_, header)) = rows.next() else { return Ok(Map::new()) };
    if header.len() < 2 {
        return Err("it needs a header line with at least two columns".into());
    }
    let mut table = Map::new();
    for (line, row) in rows {
        if row.len() != header.len() {
            return Err(format!("line {line} has {} columns, the header has {}", row.len(), header.len()));
        }
        let value: Dynamic = if header.len() == 2 {
            row[1].as_str().into()
        } else {
            header
                .iter()
                .zip(&row)
                .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
                .collect::<Map>()
                .into()
        };
        if table.insert(row[0].as_str().into(), value).is_some() {
            return Err(format!("line {line} has the key `{}` again", row[0]));
        }
    }
    Ok(table)
}

/// Rows with the number of the line that they start in; blank lines are left out.
fn rows(text: &str) -> Result<Vec<(usize, Vec<String>)>, String> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut field = String::new();
    let (mut line, mut start, mut quoted, mut was_quoted) = (1, 1, false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() && !was_quoted => (quoted, was_quoted) = (true, true),
            ',' if !quoted => {
                row.push(std::mem::take(&mut field));
                was_quoted = false;
            }
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                line += 1;
                if !row.is_empty() || !field.is_empty() || was_quoted {
                    row.push(std::mem::take(&mut field));
                    rows.push((start, std::mem::take(&mut row)));
                }
                (start, was_quoted) = (line, false);
            }
            c => {
                line += usize::from(c == '\n');
                field.push(c);
            }
        }
    }
    if quoted {
        return Err(format!("a quote in line {start} is not closed"));
    }
    if !row.is_empty() || !field.is_empty() || was_quoted {
        row.push(field);
        rows.push((start, row));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_line_ends_and_a_missing_last_line_end() {
        let table = parse("\u{feff}code,name\r\nDE,\"Germany, \"\"FRG\"\"\"\r\n\r\nFR,\"a\nb\"").unwrap();
        assert_eq!(table["DE"].clone().into_string().unwrap(), "Germany, \"FRG\"");
        assert_eq!(table["FR"].clone().into_string().unwrap(), "a\nb");
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn a_wrong_row_is_named_by_its_line() {
        assert_eq!(parse("a,b\n1,2\n3\n").unwrap_err(), "line 3 has 1 columns, the header has 2");
        assert_eq!(parse("a,b\n1,2\n1,3\n").unwrap_err(), "line 3 has the key `1` again");
        assert_eq!(parse("a,b\n1,\"2\n").unwrap_err(), "a quote in line 2 is not closed");
    }
}
