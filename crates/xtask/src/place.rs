//! Where things are: the repository, and the binaries that cargo built from it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// This checkout, and the directory of its build.
pub(crate) struct Place {
    root: PathBuf,
    binaries: PathBuf,
}

impl Place {
    /// Cargo tells a program that it runs where its manifest is. This program's own binary lies beside those that
    /// it builds, wherever the target directory was put.
    pub(crate) fn find() -> Result<Self, String> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").ok_or("run this as `cargo xtask …`")?;
        let root = Path::new(&manifest).ancestors().nth(2).ok_or("this checkout has no root directory")?;
        let this = std::env::current_exe()
            .map_err(|error| format!("cannot find this program's own file: {error}"))?;
        let binaries = this.parent().ok_or("this program lies in no directory")?;
        Ok(Self { root: root.to_owned(), binaries: binaries.to_owned() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    /// Files that this program downloads stay in the target directory, which `cargo clean` empties.
    pub(crate) fn downloads(&self) -> PathBuf {
        self.binaries.parent().unwrap_or(&self.binaries).to_owned()
    }

    /// Cargo, at the root of the checkout.
    pub(crate) fn cargo<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = self.plain(cargo);
        command.args(arguments);
        command
    }

    /// A program that calls cargo, of another toolchain than the one that runs this program.
    pub(crate) fn other_cargo(&self, program: PathBuf, toolchain: &str) -> Command {
        let mut command = self.plain(program.into_os_string());
        command.env_remove("CARGO").env("RUSTUP_TOOLCHAIN", toolchain);
        command
    }

    fn plain(&self, program: OsString) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        // They describe this program's own package, and would make cargo's idea of the environment differ from that
        // of a plain `cargo build`: build scripts that look at them would run again.
        for (name, _) in std::env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
            {
                command.env_remove(name);
            }
        }
        command
    }
}
