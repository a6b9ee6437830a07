//! How a command on this machine finds and convinces the process that has a data directory: a file in it with the admin address and
//! a token. Who may read the directory may give orders; who can only reach the port may look.

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

const FILE: &str = "control.json";

/// What the file holds.
#[derive(Clone, Serialize, Deserialize)]
pub struct Control {
    /// Where the admin pages are.
    pub admin: SocketAddr,
    /// What orders must carry, as `authorization: Bearer <token>`.
    token: String,
}

impl Control {
    /// Makes a new token and leaves it in the data directory, for nobody but its owner.
    pub(super) fn write(dir: &Path, admin: SocketAddr) -> io::Result<Self> {
        let half = || uuid::Uuid::new_v4().simple().to_string();
        let control = Self { admin, token: format!("{}{}", half(), half()) };
        let path = dir.join(FILE);
        // A new file: one that was there might be open to others.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?.write_all(serde_json::to_string(&control)?.as_bytes())?;
        Ok(control)
    }

    /// What the process that has the directory left there.
    pub fn read(dir: &Path) -> io::Result<Self> {
        let mut control: Self = serde_json::from_slice(&fs::read(dir.join(FILE))?)?;
        if control.admin.ip().is_unspecified() {
            control.admin.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        Ok(control)
    }

    /// The header that an order must carry.
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// Whether a request carries it.
    pub(super) fn permits(&self, headers: &http::HeaderMap) -> bool {
        let given = headers.get(http::header::AUTHORIZATION).map(http::HeaderValue::as_bytes).unwrap_or_default();
        given.ct_eq(self.authorization().as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_can_read_the_directory_is_permitted() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Control::read(dir.path()).is_err());
        let old = Control::write(dir.path(), "0.0.0.0:9090".parse().unwrap()).unwrap();
        let new = Control::write(dir.path(), "0.0.0.0:9090".parse().unwrap()).unwrap();
        let found = Control::read(dir.path()).unwrap();
        assert_eq!(found.admin, "127.0.0.1:9090".parse().unwrap());
        let carrying = |text: &str| {
            let mut headers = http::HeaderMap::new();
            headers.insert("authorization", text.parse().unwrap());
            headers
        };
        assert!(new.permits(&carrying(&found.authorization())));
        assert!(!old.permits(&carrying(&found.authorization())));
        assert!(!new.permits(&carrying("Bearer ")) && !new.permits(&http::HeaderMap::new()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
