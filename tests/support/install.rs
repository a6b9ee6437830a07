//! Libraries of other languages for tests, installed once into `target/sdk`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// The library's folder below `target/sdk`; none where it is not installed and must not be. It counts as installed when
/// the list of requirements (a file below `tests`) is the one of today.
pub fn installed(name: &str, list: &str, steps: impl Fn(&Path) -> Vec<Command>) -> Option<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("sdk").join(name);
    let done = dir.join("installed");
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(list);
    let wanted = fs::read(&list).unwrap();
    if fs::read(&done).is_ok_and(|have| have == wanted) {
        return Some(dir);
    }
    if std::env::var("CARTWIRE_SDK_TESTS").is_ok_and(|set| set == "1") {
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(list.file_name().unwrap()), &wanted).unwrap();
        for mut step in steps(&dir) {
            let output = step.output().unwrap_or_else(|e| panic!("{step:?}: {e}"));
            assert!(output.status.success(), "{step:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        fs::write(&done, &wanted).unwrap();
        return Some(dir);
    }
    eprintln!("skipped: the {name} library is not installed; CARTWIRE_SDK_TESTS=1 installs it into target/sdk");
    None
}

/// What installs the packages of a `package.json`.
pub fn npm(dir: &Path) -> Vec<Command> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-package-lock", "--no-audit", "--no-fund", "--prefix"]).arg(dir);
    vec![npm]
}
