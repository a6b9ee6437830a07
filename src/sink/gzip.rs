//! Gzip for request bodies.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Compresses at the fastest level: JSON shrinks to about a fifth there already, and the worker has other things to do.
///
/// `None` if the encoder fails, which writing to memory does not; the caller then sends the body as it is.
pub(super) fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4 + 64), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn gunzip_gives_the_body_again(body in proptest::collection::vec(any::<u8>(), 0..20_000)) {
            let mut back = Vec::new();
            flate2::read::GzDecoder::new(&*gzip(&body).unwrap()).read_to_end(&mut back).unwrap();
            prop_assert_eq!(back, body);
        }
    }
}
