use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A picture that browsers show.
pub struct Picture {
    pub octets: Vec<u8>,
}

impl Picture {
    /// As a tenant's settings take it.
    pub fn data_url(&self) -> String {
        format!("data:image/png;base64,{}", STANDARD.encode(&self.octets))
    }
}

/// A PNG of this size in one colour, not compressed (W3C, Portable Network Graphics, third edition).
pub fn picture(width: u32, height: u32) -> Picture {
    let row = [&[0][..], &[0x14, 0x6c, 0x94].repeat(width as usize)].concat();
    let pixels = row.repeat(height as usize);
    let length = u16::try_from(pixels.len()).expect("a small picture: one block of RFC 1951 section 3.2.4");
    let data = [
        &[0x78, 0x01, 1][..],
        &length.to_le_bytes(),
        &(!length).to_le_bytes(),
        &pixels,
        &adler(&pixels).to_be_bytes(),
    ]
    .concat();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let chunks = [chunk(*b"IHDR", &header), chunk(*b"IDAT", &data), chunk(*b"IEND", &[])].concat();
    Picture { octets: [&b"\x89PNG\r\n\x1a\n"[..], &chunks].concat() }
}

fn chunk(name: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("a small chunk");
    let named = [name.as_slice(), data].concat();
    [&length.to_be_bytes()[..], &named, &crc(&named).to_be_bytes()].concat()
}

/// RFC 1950 section 8.2.
fn adler(data: &[u8]) -> u32 {
    let (a, b) = data.iter().fold((1, 0), |(a, b): (u32, u32), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

/// The CRC of ISO 3309.
fn crc(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}
