//! A secret in a file of its own: the one way in which the configuration's secrets are read.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use terms::SecretText;
use zeroize::Zeroizing;

/// Octets of one; a ring of master keys has a thousand.
const LARGEST: u64 = 64 * 1024;

/// Why a secret can't be taken from its file. It never repeats what stands there.
#[derive(Debug)]
pub enum SecretFileError {
    /// Others than its owner may read it.
    Permissions,
    TooLarge,
    File(io::Error),
}

impl fmt::Display for SecretFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permissions => f.write_str("can be read by others than its owner; run `chmod 600` on it"),
            Self::TooLarge => write!(f, "has more than {LARGEST} octets; that is no secret"),
            Self::File(error) => write!(f, "can't be read: {error}"),
        }
    }
}

impl std::error::Error for SecretFileError {}

/// What stands in the file, without the line end behind it.
pub fn read(path: &Path) -> Result<SecretText, SecretFileError> {
    let mut file = File::open(path).map_err(SecretFileError::File)?;
    // Asked of the open file, so that it can't be exchanged between the question and the reading.
    let metadata = file.metadata().map_err(SecretFileError::File)?;
    if !is_private(&metadata) {
        return Err(SecretFileError::Permissions);
    }
    let mut text = Zeroizing::new(String::new());
    let read = file.by_ref().take(LARGEST + 1).read_to_string(&mut text).map_err(SecretFileError::File)?;
    if read as u64 > LARGEST {
        return Err(SecretFileError::TooLarge);
    }
    Ok(SecretText::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn is_private(metadata: &Metadata) -> bool {
    is_private_mode(metadata.mode(), metadata.uid())
}

/// Its owner's only. What root owns may be read by a group as well: so service managers hand a secret over to a user that
/// can't own files (credentials of systemd, secrets of Kubernetes with an `fsGroup`).
fn is_private_mode(mode: u32, owner: u32) -> bool {
    let lets = |others: u32| mode & others != 0;
    !lets(0o077) || (owner == 0 && !lets(0o037))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_secret_is_its_owners_only_or_handed_over_by_root() {
        for (mode, owner, is_good) in [
            (0o600, 1000, true),
            (0o400, 1000, true),
            (0o640, 1000, false),
            (0o604, 1000, false),
            (0o644, 1000, false),
            (0o600, 0, true),
            (0o440, 0, true),
            (0o640, 0, true),
            (0o660, 0, false),
            (0o650, 0, false),
            (0o444, 0, false),
            (0o644, 0, false),
        ] {
            assert_eq!(is_private_mode(0o100_000 | mode, owner), is_good, "{mode:o} of {owner}");
        }
    }

    #[test]
    fn a_file_is_read_without_its_line_end_and_only_when_it_is_private_and_small() {
        let path = std::env::temp_dir().join(format!("portico-secret-{}", Entropy.hex::<8>()));
        let read_as = |content: &str, mode: u32| {
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            read(&path)
        };
        assert_eq!(read_as(" a b \r\n\n", 0o600).unwrap().reveal(), " a b ");
        assert_eq!(read_as("", 0o600).unwrap().reveal(), "");
        assert!(matches!(read_as("x", 0o604), Err(SecretFileError::Permissions)));
        let large = "x".repeat(usize::try_from(LARGEST).unwrap());
        assert!(read_as(&large, 0o600).is_ok());
        assert!(matches!(read_as(&format!("{large}x"), 0o600), Err(SecretFileError::TooLarge)));
        std::fs::write(&path, [0xff]).unwrap();
        assert!(matches!(read(&path), Err(SecretFileError::File(_))));
        std::fs::remove_file(&path).unwrap();
        let gone = read(&path).unwrap_err();
        assert!(matches!(gone, SecretFileError::File(_)) && !gone.to_string().contains("xxx"));
    }
}
