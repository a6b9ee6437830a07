//! The project folder on disk → a [`Tree`]: everything is read at one moment, then judged as a whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::tree::Tree;

/// The folders that make a revision, and the endings that are read in each.
const FOLDERS: [(&str, &[&str]); 2] =
    [("pipelines", &["yaml", "yml"]), ("scripts", &["rhai", "csv", "json", "yaml", "yml"])];

/// Larger files are no pipelines, scripts or tables.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
const FILES_MAX: usize = 10_000;
const DEPTH_MAX: usize = 16;

/// Reads the texts of a project. Files that vanish meanwhile are left out: another reading follows every change.
///
/// The folders themselves may be links to anywhere: that is for whoever installs the project to say. A link below them that leads
/// out of them is an error: whoever writes scripts could read with it what only the process should.
pub fn read_tree(dir: &Path) -> io::Result<Tree> {
    let mut tree = Tree::new();
    let roots: Vec<_> = FOLDERS.iter().filter_map(|(folder, _)| fs::canonicalize(dir.join(folder)).ok()).collect();
    for (folder, endings) in FOLDERS {
        read_folder(&dir.join(folder), folder, endings, &roots, 0, &mut tree)?;
    }
    Ok(tree)
}

fn read_folder(
    path: &Path,
    name: &str,
    endings: &[&str],
    roots: &[PathBuf],
    depth: usize,
    tree: &mut Tree,
) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    };
    for entry in entries {
        let entry = entry?;
        let Some(file_name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        // Hidden entries are editors' swap files and the `..data` folders behind mounted configuration.
        if file_name.starts_with('.') || file_name.ends_with('~') {
            continue;
        }
        // Follows symbolic links, which mounted configuration is made of.
        let Ok(meta) = fs::metadata(entry.path()) else { continue };
        let inner = format!("{name}/{file_name}");
        if meta.is_dir() {
            if depth < DEPTH_MAX && !is_project(&entry.path()) {
                stays_inside(&entry, &inner, roots)?;
                read_folder(&entry.path(), &inner, endings, roots, depth + 1, tree)?;
            }
            continue;
        }
        let wanted = file_name.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending));
        // Reading a pipe would wait for someone to write into it.
        if !wanted || !meta.is_file() || meta.len() > FILE_BYTES_MAX || tree.iter().count() >= FILES_MAX {
            continue;
        }
        stays_inside(&entry, &inner, roots)?;
        match fs::read(entry.path()) {
            Ok(bytes) => tree.insert(inner, text_of(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", entry.path().display()))),
        }
    }
    Ok(())
}

/// What stands in a file. Some editors begin it with a mark of the encoding, which is no part of the text.
fn text_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()
}

/// Refuses a link that leads out of the project's folders.
fn stays_inside(entry: &fs::DirEntry, name: &str, roots: &[PathBuf]) -> io::Result<()> {
    if !entry.file_type()?.is_symlink() {
        return Ok(());
    }
    // One that vanishes meanwhile is not read either.
    let Ok(target) = fs::canonicalize(entry.path()) else { return Ok(()) };
    if roots.iter().any(|root| target.starts_with(root)) {
        return Ok(());
    }
    let text =
        format!("{name} is a link to {}, which is neither below pipelines/ nor below scripts/", target.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}

/// A folder below `scripts/` with pipelines and scripts of its own, as the shipped examples are: what stands in it means that
/// project's folders, so it is no part of this one.
fn is_project(dir: &Path) -> bool {
    FOLDERS.iter().all(|(folder, _)| dir.join(folder).is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_texts_and_leaves_out_debris() {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("pipelines/a.yaml", "a"),
            ("pipelines/.a.yaml.swp", "x"),
            ("pipelines/a.yaml~", "x"),
            ("pipelines/notes.txt", "x"),
            ("scripts/lib/b.rhai", "b"),
            ("scripts/tables/c.csv", "c"),
            ("other/d.yaml", "x"),
            ("scripts/examples/mine/pipelines/e.yaml", "x"),
            ("scripts/examples/mine/scripts/e.rhai", "x"),
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let tree = read_tree(dir.path()).unwrap();
        let paths: Vec<_> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["pipelines/a.yaml", "scripts/lib/b.rhai", "scripts/tables/c.csv"]);
    }

    #[test]
    fn the_mark_of_an_encoding_is_no_part_of_a_text() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("scripts")).unwrap();
        fs::write(dir.path().join("scripts/a.rhai"), "\u{feff}event.a = \"\u{feff}\";").unwrap();
        let tree = read_tree(dir.path()).unwrap();
        assert_eq!(tree.get("scripts/a.rhai").map(|text| &**text), Some("event.a = \"\u{feff}\";"));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("scripts")).unwrap();
        let pipe = dir.path().join("scripts/f.rhai");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let (done, wait) = std::sync::mpsc::channel();
        let folder = dir.path().to_owned();
        std::thread::spawn(move || done.send(read_tree(&folder).unwrap().iter().count()));
        let read = wait.recv_timeout(std::time::Duration::from_secs(10));
        assert_eq!(read, Ok(0), "reading waits for someone to write into the pipe");
    }

    #[cfg(unix)]
    #[test]
    fn follows_the_links_of_mounted_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("pipelines/..2026_01");
        fs::create_dir_all(&real).unwrap();
        fs::write(real.join("a.yaml"), "one").unwrap();
        std::os::unix::fs::symlink("..2026_01", dir.path().join("pipelines/..data")).unwrap();
        std::os::unix::fs::symlink("..data/a.yaml", dir.path().join("pipelines/a.yaml")).unwrap();
        let tree = read_tree(dir.path()).unwrap();
        assert_eq!(tree.get("pipelines/a.yaml").map(|text| &**text), Some("one"));
        assert_eq!(tree.iter().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn refuses_links_that_lead_out() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.csv"), "key,value\na,secret\n").unwrap();
        fs::write(dir.path().join(".env"), "KEY=secret\n").unwrap();
        fs::create_dir_all(dir.path().join("pipelines")).unwrap();
        fs::create_dir_all(dir.path().join("scripts/tables")).unwrap();
        for (link, target) in [
            ("scripts/tables/t.csv", outside.path().join("secret.csv")),
            ("scripts/tables/t.csv", "../../.env".into()),
            ("scripts/lib", outside.path().to_owned()),
            ("scripts/lib", "../..".into()),
            ("pipelines/p.yaml", "/etc/hostname".into()),
        ] {
            let link = dir.path().join(link);
            symlink(&target, &link).unwrap();
            let error = read_tree(dir.path()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{}", target.display());
            assert!(error.to_string().contains(" is a link to "), "{error}");
            fs::remove_file(link).unwrap();
        }
        // Within the folders, and to a file that is no script, table or pipeline, links are fine; a folder may be elsewhere.
        symlink("../../scripts/tables", dir.path().join("pipelines/tables")).unwrap();
        symlink("/etc/hostname", dir.path().join("scripts/notes.txt")).unwrap();
        symlink("nowhere", dir.path().join("scripts/gone.rhai")).unwrap();
        fs::remove_dir_all(dir.path().join("scripts")).unwrap();
        symlink(outside.path(), dir.path().join("scripts")).unwrap();
        let tree = read_tree(dir.path()).unwrap();
        assert_eq!(tree.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["scripts/secret.csv"]);
    }
}
