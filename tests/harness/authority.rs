use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};
use server::clock::HeldClock;

/// A certificate authority of a test's own.
pub struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

/// A server's certificate and its key, as the two files hold them.
pub struct Issued {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

impl Authority {
    #[expect(clippy::new_without_default, reason = "it makes a key, which a default should not")]
    pub fn new() -> Self {
        let key = new_key();
        let name = name("Test authority");
        let mut builder = builder(&name, &name, &key, 1);
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().build().unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { certificate: builder.build(), key }
    }

    /// As clients trust it.
    pub fn root(&self) -> reqwest::Certificate {
        reqwest::Certificate::from_pem(&self.certificate.to_pem().unwrap()).unwrap()
    }

    /// As a file of authorities holds it.
    pub fn pem(&self) -> Vec<u8> {
        self.certificate.to_pem().unwrap()
    }

    /// A certificate for `localhost` with this number.
    pub fn issue(&self, serial: u32) -> Issued {
        self.issue_valid(serial, 0, 30)
    }

    /// The same, valid from so many days from now until so many.
    pub fn issue_valid(&self, serial: u32, from: i64, until: i64) -> Issued {
        let key = new_key();
        let mut builder = builder(&name("localhost"), self.certificate.subject_name(), &key, serial);
        builder.set_not_before(&days_from_now(from)).unwrap();
        builder.set_not_after(&days_from_now(until)).unwrap();
        let names = SubjectAlternativeName::new()
            .dns("localhost")
            .build(&builder.x509v3_context(Some(&self.certificate), None))
            .unwrap();
        builder.append_extension(names).unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        Issued {
            certificate: builder.build().to_pem().unwrap(),
            key: key.private_key_to_pem_pkcs8().unwrap(),
        }
    }
}

fn new_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn days_from_now(days: i64) -> Asn1Time {
    let now = HeldClock::at_system_time().now().as_seconds();
    Asn1Time::from_unix(now + days * 24 * 60 * 60).unwrap()
}

fn name(common: &str) -> X509Name {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_nid(Nid::COMMONNAME, common).unwrap();
    name.build()
}

fn builder(
    subject: &openssl::x509::X509NameRef,
    issuer: &openssl::x509::X509NameRef,
    key: &PKey<Private>,
    serial: u32,
) -> X509Builder {
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(serial).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(30).unwrap()).unwrap();
    builder
}
