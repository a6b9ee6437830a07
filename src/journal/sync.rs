//! Locking without the panic of a poisoned mutex.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. No critical section of the journal can leave its data half changed, so a panic elsewhere in the thread that held
/// the lock is no reason to stop answering.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
