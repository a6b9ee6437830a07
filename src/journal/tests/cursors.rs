//! Cursors: any name, any torn write, back and forth.

use crate::journal::Cursors;

const NAMES: [&str; 7] = ["shop", "a/b", "..", ".", "Ünïcode & more", "a.b", "%2F"];

#[test]
fn cursors_survive_under_any_name() {
    let dir = tempfile::tempdir().unwrap();
    let cursors = Cursors::open(dir.path()).unwrap();
    assert_eq!(cursors.get("shop", "segment"), None);
    for (seq, name) in (1..).zip(NAMES) {
        cursors.set(name, "segment", seq).unwrap();
        cursors.set("one", name, seq).unwrap();
    }
    assert!(cursors.set("", "segment", 1).is_err());
    cursors.sync().unwrap();
    let list = cursors.list();
    assert_eq!(list.len(), 2 * NAMES.len());
    drop(cursors);
    let cursors = Cursors::open(dir.path()).unwrap();
    assert_eq!(cursors.list(), list);
    assert!(cursors.damaged().is_empty());
    for (seq, name) in (1..).zip(NAMES) {
        assert_eq!(cursors.get(name, "segment"), Some(seq));
        assert!(cursors.remove(name, "segment").unwrap());
        assert!(!cursors.remove(name, "segment").unwrap());
    }
    drop(cursors);
    assert_eq!(Cursors::open(dir.path()).unwrap().list().len(), NAMES.len());
}

#[test]
fn a_cursor_moves_back_and_forth_without_a_sync() {
    let dir = tempfile::tempdir().unwrap();
    for seq in [5, 9, 2, 2, 70] {
        let cursors = Cursors::open(dir.path()).unwrap();
        for value in [seq + 1, seq + 2, seq] {
            cursors.set("shop", "segment", value).unwrap();
        }
        drop(cursors);
        assert_eq!(Cursors::open(dir.path()).unwrap().get("shop", "segment"), Some(seq), "as after a kill");
    }
}

#[test]
fn a_torn_write_leaves_the_value_that_was_synced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop").join("segment");
    for round in 0..24 {
        let cursors = Cursors::open(dir.path()).unwrap();
        cursors.set("shop", "segment", 7).unwrap();
        cursors.sync().unwrap();
        let before = std::fs::read(&path).unwrap();
        cursors.set("shop", "segment", 8).unwrap();
        cursors.set("shop", "segment", 9).unwrap();
        drop(cursors);
        let mut torn = std::fs::read(&path).unwrap();
        let at = (0..torn.len()).find(|at| torn[*at] != before[*at]).unwrap() / 512 * 512 + round;
        torn[at] ^= 0x10;
        std::fs::write(&path, torn).unwrap();
        let cursors = Cursors::open(dir.path()).unwrap();
        assert_eq!(cursors.get("shop", "segment"), Some(7), "torn at {round}");
        assert!(cursors.damaged().is_empty());
    }
}

#[test]
fn an_unreadable_cursor_sends_everything_again_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    Cursors::open(dir.path()).unwrap().set("shop", "segment", 7).unwrap();
    std::fs::write(dir.path().join("shop").join("segment"), "").unwrap();
    std::fs::write(dir.path().join("shop").join("other.new"), "left by a crash").unwrap();
    let cursors = Cursors::open(dir.path()).unwrap();
    assert_eq!(cursors.list(), [("shop".to_owned(), "segment".to_owned(), 0)]);
    assert_eq!(cursors.damaged(), [("shop".to_owned(), "segment".to_owned())]);
    cursors.set("shop", "segment", 8).unwrap();
    drop(cursors);
    assert_eq!(Cursors::open(dir.path()).unwrap().get("shop", "segment"), Some(8));
}

#[test]
fn what_survives_a_power_loss_is_known_and_follows_each_sync() {
    let dir = tempfile::tempdir().unwrap();
    let cursors = Cursors::open(dir.path()).unwrap();
    cursors.set("shop", "segment", 3).unwrap();
    assert_eq!(cursors.synced("shop", "segment"), Some(3), "a new one is safe at once");
    cursors.set("shop", "segment", 5).unwrap();
    assert_eq!((cursors.get("shop", "segment"), cursors.synced("shop", "segment")), (Some(5), Some(3)));
    cursors.sync().unwrap();
    assert_eq!(cursors.synced("shop", "segment"), Some(5));
    // Moved all the time while it is synced: what is read afterwards is what was set last, and never less than what was synced.
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let syncing = scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                cursors.sync().unwrap();
            }
        });
        for seq in 6..=2000 {
            cursors.set("shop", "segment", seq).unwrap();
        }
        // One more sync begins and ends after the last move.
        std::thread::sleep(std::time::Duration::from_millis(20));
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        syncing.join().unwrap();
    });
    cursors.sync().unwrap();
    assert_eq!(cursors.synced("shop", "segment"), Some(2000));
    drop(cursors);
    assert_eq!(Cursors::open(dir.path()).unwrap().get("shop", "segment"), Some(2000));
}
