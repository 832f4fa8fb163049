//! The exclusive use of a folder with an SQLite database: the server has it, or a command without a server.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// Held until dropped; the operating system takes it back from a process that dies.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes the lock, or gives `None` when another process has it.
    pub fn take(folder: &Path) -> io::Result<Option<Self>> {
        // Never deleted: who deletes a lock file may take it from under the next one.
        let file =
            File::options().create(true).truncate(false).write(true).open(folder.join("portico.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;

    #[test]
    fn one_at_a_time() {
        let folder = std::env::temp_dir().join(format!("portico-lock-{}", Entropy.hex::<8>()));
        std::fs::create_dir(&folder).unwrap();
        let first = DataLock::take(&folder).unwrap();
        assert!(first.is_some());
        assert!(DataLock::take(&folder).unwrap().is_none());
        drop(first);
        assert!(DataLock::take(&folder).unwrap().is_some());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
