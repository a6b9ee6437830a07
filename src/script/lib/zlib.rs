//! `zlib::`: compressed data, carried as Base64 in texts or as a blob. Bodies that came compressed are unpacked on arrival.

use std::io::{Read, Write};
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use flate2::write::GzEncoder;
use rhai::{Blob, Dynamic, Module};

use super::{Fun, Lib, Native, arg, base64 as b64, put};
use crate::script::fault::fault;
use crate::script::run::Run;

/// The functions of the namespace.
pub const FUNS: &[Fun] = &[
    Fun {
        name: "zlib::gunzip",
        signature: "zlib::gunzip(base64_or_blob) -> text",
        about: "The text that was compressed with gzip.",
        example: r#"zlib::gunzip("H4sIAAAAAAAC/8tIzcnJBwCGphA2BQAAAA==") == "hello""#,
        add: |module, lib| add(module, lib, "gunzip", |bytes| Box::new(MultiGzDecoder::new(bytes))),
    },
    Fun {
        name: "zlib::gzip",
        signature: "zlib::gzip(text) -> base64",
        about: "A text or blob compressed with gzip, as Base64.",
        example: r#"zlib::gunzip(zlib::gzip("hello")) == "hello""#,
        add: |module, lib| {
            let run = Rc::clone(&lib.run);
            put(module, "gzip", move |value: Dynamic| -> Native {
                arg::try_bytes(&value, "gzip", |bytes| {
                    // Compressing takes far longer than reading.
                    run.charge_bytes(bytes.len().saturating_mul(16))?;
                    let mut out = GzEncoder::new(Vec::new(), Compression::default());
                    let packed = out.write_all(bytes).and_then(|()| out.finish());
                    let packed = packed.map_err(|error| fault(format!("gzip: {error}")))?;
                    Ok(STANDARD.encode(packed).into())
                })
            });
        },
    },
    Fun {
        name: "zlib::inflate",
        signature: "zlib::inflate(base64_or_blob) -> text",
        about: "The text that was compressed with deflate, with the header of zlib or without.",
        example: r#"zlib::inflate("eJzLSM3JyQcABiwCFQ==") == "hello"
zlib::inflate("y0jNyckHAA==") == "hello""#,
        add: |module, lib| {
            add(module, lib, "inflate", |bytes| {
                // By RFC 1950 the two first bytes of the header are a multiple of 31.
                let is_wrapped = bytes.len() > 1
                    && bytes[0] & 0x0f == 8
                    && u16::from_be_bytes([bytes[0], bytes[1]]).is_multiple_of(31);
                if is_wrapped { Box::new(ZlibDecoder::new(bytes)) } else { Box::new(DeflateDecoder::new(bytes)) }
            });
        },
    },
];

type Open = for<'a> fn(&'a [u8]) -> Box<dyn Read + 'a>;

fn add(module: &mut Module, lib: &Lib, name: &'static str, open: Open) {
    let run = Rc::clone(&lib.run);
    put(module, name, move |value: Dynamic| -> Native {
        if let Some(blob) = value.read_lock::<Blob>() {
            return unpack(&run, name, &blob, open);
        }
        arg::try_text(&value, name, |text| {
            run.charge_bytes(text.len())?;
            unpack(&run, name, &b64::bytes(text)?, open)
        })
    });
}

/// Unpacks piece by piece, so that a small text which unpacks to a huge one is stopped at the limit.
fn unpack(run: &Run, name: &str, packed: &[u8], open: Open) -> Native {
    let mut reader = open(packed);
    let mut out = Vec::new();
    let mut piece = [0; 1 << 14];
    loop {
        let read =
            reader.read(&mut piece).map_err(|_| fault(format!("{name}: this is not compressed so, or damaged")))?;
        if read == 0 {
            break;
        }
        run.allow_bytes(out.len() + read)?;
        run.charge_bytes(read.saturating_mul(4))?;
        out.extend_from_slice(&piece[..read]);
    }
    String::from_utf8(out).map(Into::into).map_err(|_| fault(format!("{name}: the unpacked bytes are not text")))
}
