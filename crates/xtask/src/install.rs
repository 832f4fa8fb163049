//! System packages: what is missing is named, then installed by the system's own package manager.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{postgres, run};

/// Something that must be on the machine, and the Debian package that brings it.
struct Need {
    what: &'static str,
    package: &'static str,
    present: fn() -> bool,
}

/// Building the server: `openssl-sys` (under josekit) finds the system's OpenSSL through pkg-config. SQLite and AWS-LC
/// come as source and need only the compiler.
const BUILD: [Need; 3] = [
    Need { what: "a C compiler", package: "build-essential", present: || run::exists("cc") },
    Need { what: "pkg-config", package: "pkg-config", present: || run::exists("pkg-config") },
    Need { what: "OpenSSL's headers", package: "libssl-dev", present: openssl_headers },
];

/// Measuring it.
const MEASURE: [Need; 1] =
    [Need { what: "PostgreSQL's server", package: "postgresql", present: || postgres::programs().is_some() }];

/// The oldest Java that Spring Boot runs on.
const OLDEST_JAVA: u32 = 17;

/// Testing it: a database server, a proxy, a browser with at least one font to draw with, and what runs clients in other languages.
const TEST: [Need; 12] = [
    Need { what: "PostgreSQL's server", package: "postgresql", present: || postgres::programs().is_some() },
    Need { what: "Chromium", package: "chromium", present: || chromium().is_some() },
    Need {
        what: "a font",
        package: "fonts-liberation",
        present: || has_font(Path::new("/usr/share/fonts"), 4),
    },
    Need { what: "Node", package: "nodejs", present: || run::exists("node") },
    Need { what: "npm", package: "npm", present: || run::exists("npm") },
    Need { what: "Python with its environments", package: "python3-venv", present: python_environments },
    Need { what: "Go", package: "golang-go", present: || run::exists("go") },
    Need { what: "a Java compiler (17 or newer)", package: "default-jdk-headless", present: java_compiler },
    Need { what: "Maven", package: "maven", present: || run::exists("mvn") },
    Need { what: "nginx", package: "nginx-light", present: nginx },
    // The program and its modules. The package `apache2` would add a service, which nothing here needs.
    Need { what: "Apache", package: "apache2-bin", present: || Path::new("/usr/sbin/apache2").is_file() },
    Need {
        what: "Apache's mod_auth_openidc",
        package: "libapache2-mod-auth-openidc",
        present: apache_module,
    },
];

pub(crate) fn for_building() -> Result<(), String> {
    install(&BUILD)
}

pub(crate) fn for_measuring() -> Result<(), String> {
    install(&BUILD)?;
    install(&MEASURE)
}

pub(crate) fn for_testing() -> Result<(), String> {
    install(&BUILD)?;
    install(&TEST)
}

/// The browser of the tests: the one that `CHROMIUM` names, else the first of its usual names on the search path.
pub(crate) fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM").map(PathBuf::from) {
        return named.is_file().then_some(named);
    }
    let path = std::env::var_os("PATH")?;
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |directory| directory.join(name)))
        .find(|file| file.is_file())
}

fn openssl_headers() -> bool {
    std::env::var_os("OPENSSL_DIR").is_some()
        || run::capture(Command::new("pkg-config").args(["--exists", "openssl"])).is_ok()
}

fn python_environments() -> bool {
    run::capture(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_ok()
}

/// System programs may be off the search path of a person.
fn nginx() -> bool {
    run::exists("nginx") || Path::new("/usr/sbin/nginx").is_file()
}

fn java_compiler() -> bool {
    let said = run::capture(Command::new("javac").arg("-version"));
    said.is_ok_and(|said| java_version(&said).is_some_and(|version| version >= OLDEST_JAVA))
}

/// Of what `javac -version` says, the first number.
fn java_version(said: &str) -> Option<u32> {
    said.trim().strip_prefix("javac ")?.split(['.', '-']).next()?.parse().ok()
}

fn apache_module() -> bool {
    Path::new("/usr/lib/apache2/modules/mod_auth_openidc.so").is_file()
}

fn has_font(directory: &Path, depth: usize) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else { return false };
    entries.flatten().any(|entry| {
        let path = entry.path();
        let is_font =
            path.extension().is_some_and(|extension| ["ttf", "otf"].iter().any(|font| extension == *font));
        is_font || (depth > 0 && path.is_dir() && has_font(&path, depth - 1))
    })
}

fn install(needs: &[Need]) -> Result<(), String> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.present)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    for need in &missing {
        println!("missing: {} (Debian package {})", need.what, need.package);
    }
    let by_hand = |why: &str| {
        let list: Vec<&str> = missing.iter().map(|need| need.what).collect();
        format!(
            "{why}. Please install {}, then run this again. On Debian and Ubuntu:\n\n    apt-get install {}\n",
            list.join(", "),
            packages.join(" ")
        )
    };
    if !run::exists("apt-get") {
        return Err(by_hand("this system has no apt-get, so nothing was installed"));
    }
    if !is_root()? && !run::exists("sudo") {
        return Err(by_hand("installing needs root, and there is no sudo here"));
    }
    println!("installing: {}", packages.join(" "));
    run::run_asking(apt()?.args(["--quiet", "update"])).map_err(|error| by_hand(&error))?;
    run::run_asking(apt()?.args(["--quiet", "--yes", "--no-install-recommends", "install"]).args(&packages))
        .map_err(|error| by_hand(&error))?;
    match missing.iter().find(|need| !(need.present)()) {
        None => Ok(()),
        Some(need) => {
            Err(by_hand(&format!("{} was installed, but {} is still missing", need.package, need.what)))
        }
    }
}

fn apt() -> Result<Command, String> {
    let mut command = if is_root()? {
        Command::new("env")
    } else {
        let mut sudo = Command::new("sudo");
        if !std::io::stdin().is_terminal() {
            // Nobody is there to type a password: fail at once instead of waiting.
            sudo.arg("--non-interactive");
        }
        sudo.arg("env");
        sudo
    };
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    Ok(command)
}

pub(crate) fn is_root() -> Result<bool, String> {
    Ok(run::capture(Command::new("id").arg("-u"))?.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_java_are_read() {
        assert_eq!(java_version("javac 17.0.15\n"), Some(17));
        assert_eq!(java_version("javac 21"), Some(21));
        assert_eq!(java_version("javac 26-ea"), Some(26));
        assert_eq!(java_version("javac 1.8.0_292"), Some(1));
        assert_eq!(java_version("unknown"), None);
    }
}
