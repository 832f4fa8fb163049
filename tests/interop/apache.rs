use harness::{Folder, REMEDY};
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};
use tokio::process::Command;

use crate::examples::examples;

const PROGRAM: &str = "/usr/sbin/apache2";

/// What a package's configuration of Apache has around that of a site, with everything that is written below one folder.
const AROUND: &str = r#"
ServerRoot /usr/lib/apache2
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authn_core_module modules/mod_authn_core.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule authz_user_module modules/mod_authz_user.so
LoadModule alias_module modules/mod_alias.so
LoadModule dir_module modules/mod_dir.so
LoadModule include_module modules/mod_include.so
LoadModule rewrite_module modules/mod_rewrite.so
LoadModule auth_openidc_module modules/mod_auth_openidc.so
User www-data
Group www-data
Listen 127.0.0.1:${PORT}
ServerName localhost
DefaultRuntimeDir "FOLDER"
PidFile "FOLDER/apache.pid"
ErrorLog /dev/stderr
DocumentRoot "EXAMPLE/pages"
Alias /profile "EXAMPLE/pages/profile.html"
<Directory "EXAMPLE/pages">
    Options +Includes
    SetOutputFilter INCLUDES
    ForceType "text/html; charset=utf-8"
</Directory>
Include "EXAMPLE/portico.conf"
"#;

/// Debian's Apache with the site of the examples, as one process in the foreground, with a key of its own.
pub fn command(folder: &Folder) -> Command {
    assert!(std::path::Path::new(PROGRAM).is_file(), "{PROGRAM} is missing: {REMEDY}");
    let example = examples().join("apache");
    let config = folder.path().join("apache.conf");
    let text = AROUND.replace("FOLDER", folder.text()).replace("EXAMPLE", example.to_str().unwrap());
    std::fs::write(&config, text).unwrap();
    let (key, certificate) = (folder.path().join("key.pem"), folder.path().join("certificate.pem"));
    let made = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    std::fs::write(&key, made.private_key_to_pem_pkcs8().unwrap()).unwrap();
    std::fs::write(&certificate, certified(&made).to_pem().unwrap()).unwrap();
    let mut command = Command::new(PROGRAM);
    command.arg("-X").arg("-f").arg(config);
    command.env("CLIENT_KEY", key).env("CLIENT_CERTIFICATE", certificate);
    command.env("SESSION_KEY", "anything: it seals the cookie of a session that lives for seconds");
    command
}

/// The module takes its public key from a certificate, of which it reads nothing else.
fn certified(key: &PKey<openssl::pkey::Private>) -> X509 {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "apache").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}
