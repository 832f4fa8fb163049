use super::*;
use base64::Engine as _;

fn picture() -> String {
    let octets = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &[0, 0, 0, 32, 0, 0, 0, 32][..]].concat();
    format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(octets))
}

fn changed(before: &TenantSettings, given: &Value) -> SettingsChange {
    before.changed(given).unwrap_or_else(|faults| panic!("{given}: {faults:?}"))
}

fn whole() -> Value {
    json!({
        "name": "  Łódź Trams ",
        "logo": picture(),
        "colours": { "light": { "accent": "#FFCC00", "background": "#fffbe6" }, "dark": { "background": "#101010" } },
        "corner_radius": 0,
        "font": "serif",
        "terms_uri": "https://trams.example/terms",
        "privacy_uri": "https://trams.example/privacy#people",
        "sign_up": "closed",
        "identifiers": ["username", "email"],
    })
}

#[test]
fn every_member_is_taken_kept_merged_and_reset() {
    let defaults = TenantSettings::default();
    let first = changed(&defaults, &whole());
    assert_eq!(first.settings.name, "Łódź Trams");
    assert_eq!(
        first.changed,
        [
            "name",
            "logo",
            "colours",
            "corner_radius",
            "font",
            "terms_uri",
            "privacy_uri",
            "sign_up",
            "identifiers"
        ]
    );
    assert!(
        matches!(&first.logo, LogoChange::Put(logo) if Some(logo.about()) == first.settings.logo.as_ref())
    );

    let stored = TenantSettings::stored(&first.settings.to_json()).unwrap();
    assert_eq!(stored, first.settings, "what is stored comes back");
    let same = changed(&stored, &stored.to_json());
    assert_eq!((same.settings, same.logo, same.changed), (stored.clone(), LogoChange::Keep, vec![]));

    let merged = changed(
        &stored,
        &json!({ "colours": { "light": { "accent": null }, "dark": { "accent": "#00ff00" } } }),
    );
    assert_eq!(merged.changed, ["colours"]);
    let colours = merged.settings.colours;
    assert_eq!((colours.light.accent, colours.light.background), (None, Some(Colour::new(0xff_fb_e6))));
    assert_eq!(colours.dark.accent, Some(Colour::new(0x00_ff_00)));

    let nothing: Map<String, Value> =
        stored.to_json().as_object().unwrap().keys().map(|member| (member.clone(), Value::Null)).collect();
    let reset = changed(&stored, &Value::Object(nothing));
    assert_eq!((reset.settings, reset.logo), (defaults, LogoChange::Remove));
}

#[test]
fn an_empty_record_is_the_default_and_an_unknown_member_of_a_newer_program_is_left_aside() {
    assert_eq!(TenantSettings::stored(&json!({})).unwrap(), TenantSettings::default());
    assert_eq!(TenantSettings::stored(&json!({ "newer": 1 })).unwrap(), TenantSettings::default());
    assert!(
        TenantSettings::stored(&json!({ "sign_up": "ajar" })).is_err(),
        "a closed door must not open by a slip"
    );
}

#[test]
fn each_fault_is_refused_with_its_path() {
    let long = "x".repeat(61);
    let far = format!("https://a.example/{}", "x".repeat(limits::LINK_BYTES));
    let known = |words: &[&'static str]| Wrong::NoSuchChoice { known: words.to_vec() };
    let fonts: Vec<_> = Font::ALL.iter().map(|font| font.as_str()).collect();
    let cases = [
        (json!([]), "settings", Wrong::NotAnObject),
        (json!({ "nmae": "x" }), "nmae", Wrong::UnknownMember),
        (json!({ "name": 1 }), "name", Wrong::NotText),
        (json!({ "name": "  " }), "name", Wrong::Empty),
        (json!({ "name": long }), "name", Wrong::TooLong { most: 60 }),
        (json!({ "name": "a\r\nBcc: b" }), "name", Wrong::ControlCharacter),
        (json!({ "name": "a\u{202e}b" }), "name", Wrong::ControlCharacter),
        (json!({ "logo": "x" }), "logo", Wrong::Logo(LogoFault::NotADataUrl)),
        (
            json!({ "logo": { "format": "png", "width": 1, "height": 1, "digest": "ab" } }),
            "logo",
            Wrong::NotText,
        ),
        (json!({ "colours": "#fff" }), "colours", Wrong::NotAnObject),
        (json!({ "colours": { "sepia": {} } }), "colours.sepia", Wrong::UnknownMember),
        (json!({ "colours": { "dark": [] } }), "colours.dark", Wrong::NotAnObject),
        (json!({ "colours": { "dark": { "ink": "#000000" } } }), "colours.dark.ink", Wrong::UnknownMember),
        (json!({ "colours": { "light": { "accent": "red;}" } } }), "colours.light.accent", Wrong::NotAColour),
        (
            json!({ "colours": { "light": { "background": "#8a8a8a" } } }),
            "colours.light.background",
            Wrong::Contrast { hundredths: 193 },
        ),
        (
            json!({ "colours": { "dark": { "background": "#ffffff" } } }),
            "colours.dark.background",
            Wrong::Contrast { hundredths: 116 },
        ),
        (json!({ "corner_radius": 1.5 }), "corner_radius", Wrong::NotANumber),
        (json!({ "corner_radius": -1 }), "corner_radius", Wrong::NotANumber),
        (json!({ "corner_radius": 25 }), "corner_radius", Wrong::OutOfRange { most: 24 }),
        (json!({ "font": "Papyrus" }), "font", known(&fonts)),
        (json!({ "terms_uri": "http://a.example" }), "terms_uri", Wrong::NotAnHttpsUrl),
        (json!({ "terms_uri": "javascript:alert(1)" }), "terms_uri", Wrong::NotAnHttpsUrl),
        (json!({ "terms_uri": "//a.example" }), "terms_uri", Wrong::NotAnHttpsUrl),
        (json!({ "privacy_uri": "https://u:p@a.example" }), "privacy_uri", Wrong::NotAnHttpsUrl),
        (json!({ "privacy_uri": far }), "privacy_uri", Wrong::TooLong { most: limits::LINK_BYTES }),
        (json!({ "sign_up": "ajar" }), "sign_up", known(&["open", "closed"])),
        (json!({ "identifiers": "email" }), "identifiers", Wrong::NotAList),
        (json!({ "identifiers": [] }), "identifiers", Wrong::Empty),
        (json!({ "identifiers": ["email", "email"] }), "identifiers", Wrong::Twice),
        (json!({ "identifiers": ["phone"] }), "identifiers", known(&["email", "username"])),
    ];
    for (given, path, wrong) in cases {
        let faults = TenantSettings::default().changed(&given).unwrap_err();
        assert_eq!(faults, [SettingFault { path: path.into(), wrong }], "{given}");
    }
}

#[test]
fn all_faults_are_said_at_once() {
    let given = json!({ "name": "", "font": "x", "colours": { "light": { "accent": 1, "background": "no" } }, "more": 1 });
    let faults = TenantSettings::default().changed(&given).unwrap_err();
    let mut paths: Vec<_> = faults.iter().map(|fault| fault.path.as_ref()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["colours.light.accent", "colours.light.background", "font", "more", "name"]);
}

#[test]
fn a_form_says_the_same_as_a_file() {
    let fields = [
        (path::NAME, "Trams"),
        (path::LIGHT_ACCENT, "#ffcc00"),
        (path::DARK_BACKGROUND, ""),
        (path::CORNER_RADIUS, "4"),
        ("identifiers.username", "on"),
    ];
    let value = |name: &str| {
        fields.iter().find(|(field, _)| *field == name).map_or(String::new(), |(_, text)| (*text).to_owned())
    };
    let before = changed(&TenantSettings::default(), &whole()).settings;
    let after = changed(&before, &patch_of_form(value));
    assert_eq!(after.logo, LogoChange::Keep);
    let expected = TenantSettings {
        name: "Trams".to_owned(),
        logo: before.logo.clone(),
        colours: Colours {
            light: SchemeColours { accent: Some(Colour::new(0xff_cc_00)), background: None },
            dark: SchemeColours::default(),
        },
        corner_radius: 4,
        identifiers: vec![IdentifierKind::Username],
        ..TenantSettings::default()
    };
    assert_eq!(after.settings, expected);

    let faults = before.changed(&patch_of_form(|name| {
        if name == path::CORNER_RADIUS { "x".to_owned() } else { String::new() }
    }));
    let wrong: Vec<_> = faults.unwrap_err().into_iter().map(|fault| (fault.path, fault.wrong)).collect();
    assert_eq!(wrong, [("corner_radius".into(), Wrong::NotANumber), ("identifiers".into(), Wrong::Empty)]);
}

#[test]
fn the_schema_knows_exactly_the_members_that_there_are() {
    fn members(value: &Value, prefix: &str, found: &mut Vec<String>) {
        for (name, inner) in value["properties"].as_object().into_iter().flatten() {
            let path = format!("{prefix}{name}");
            if inner.get("properties").is_some() {
                members(inner, &format!("{path}."), found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    members(&schema(), "", &mut found);
    let (mut found, mut known) = (found, path::ALL.map(str::to_owned).to_vec());
    known.extend(registration_path::ALL.map(str::to_owned));
    found.sort_unstable();
    known.sort_unstable();
    assert_eq!(found, known);
}
