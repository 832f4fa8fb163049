use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::fault::Fault;

/// The exclusive use of a data folder, held until dropped; the operating system takes it back from a process that dies.
///
/// The server holds it, and so does a command that works on the database of a server that isn't running.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes the lock, or gives `None` when another process has it. `path` is `<data>/portico.lock`.
    pub fn take(path: &Path) -> Result<Option<Self>, Fault> {
        let failed = |error: std::io::Error| Fault::new(format!("lock {}", path.display())).because(error);
        // Never deleted: who deletes a lock file may take it from under the next one.
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let path = std::env::temp_dir().join(format!("portico_lock_{}", std::process::id()));
        let first = DataLock::take(&path).unwrap();
        assert!(first.is_some());
        assert!(DataLock::take(&path).unwrap().is_none());
        drop(first);
        assert!(DataLock::take(&path).unwrap().is_some());
        std::fs::remove_file(path).unwrap();
    }
}
