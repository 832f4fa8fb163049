// The frame that a client asks whether somebody's sign-in has changed (OpenID Connect Session Management 1.0 section 3.2). It knows
// the browser's state by a cookie that opens nothing, and answers one of three words to whoever asked, and to nobody else. Old
// browsers run it, so it brings its own SHA-256 (FIPS 180-4).
(function () {
  'use strict';

  var COOKIE = document.documentElement.getAttribute('data-cookie') + '=';
  var MOST = 2048;
  // The client's id, a blank, the hash, a dot, the salt.
  var MESSAGE = /^([\x21-\x7e]+) ([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{1,64})$/;
  var ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  var K = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
  ];

  function turned(word, by) {
    return (word >>> by) | (word << (32 - by));
  }

  // The 32 octets of the hash of a text of ASCII.
  function sha256(text) {
    var state = [
      0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
    ];
    var octets = [];
    var words = [];
    var hash = [];
    var at, block, v, one, two;
    for (at = 0; at < text.length; at += 1) octets.push(text.charCodeAt(at));
    octets.push(0x80);
    while (octets.length % 64 !== 56) octets.push(0);
    // Nothing here is longer than 32 bits can count.
    octets.push(0, 0, 0, 0);
    for (at = 24; at >= 0; at -= 8) octets.push(((text.length * 8) >>> at) & 255);
    for (block = 0; block < octets.length; block += 64) {
      for (at = 0; at < 16; at += 1) {
        v = block + at * 4;
        words[at] = (octets[v] << 24) | (octets[v + 1] << 16) | (octets[v + 2] << 8) | octets[v + 3];
      }
      for (at = 16; at < 64; at += 1) {
        one = turned(words[at - 15], 7) ^ turned(words[at - 15], 18) ^ (words[at - 15] >>> 3);
        two = turned(words[at - 2], 17) ^ turned(words[at - 2], 19) ^ (words[at - 2] >>> 10);
        words[at] = (words[at - 16] + one + words[at - 7] + two) | 0;
      }
      v = state.slice(0);
      for (at = 0; at < 64; at += 1) {
        one = turned(v[4], 6) ^ turned(v[4], 11) ^ turned(v[4], 25);
        one = (v[7] + one + ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[at] + words[at]) | 0;
        two = turned(v[0], 2) ^ turned(v[0], 13) ^ turned(v[0], 22);
        two = (two + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]))) | 0;
        v = [(one + two) | 0, v[0], v[1], v[2], (v[3] + one) | 0, v[4], v[5], v[6]];
      }
      for (at = 0; at < 8; at += 1) state[at] = (state[at] + v[at]) | 0;
    }
    for (at = 0; at < 32; at += 1) hash.push((state[at >> 2] >>> (24 - (at & 3) * 8)) & 255);
    return hash;
  }

  // Base64url without padding (RFC 4648 section 5).
  function base64url(octets) {
    var text = '';
    var at, bits;
    for (at = 0; at < octets.length; at += 3) {
      bits = (octets[at] << 16) | ((octets[at + 1] || 0) << 8) | (octets[at + 2] || 0);
      text += ALPHABET.charAt(bits >>> 18) + ALPHABET.charAt((bits >>> 12) & 63);
      if (at + 1 < octets.length) text += ALPHABET.charAt((bits >>> 6) & 63);
      if (at + 2 < octets.length) text += ALPHABET.charAt(bits & 63);
    }
    return text;
  }

  // The browser's state; nothing where the browser keeps this cookie from frames.
  function state() {
    var parts = document.cookie.split(';');
    var at, part;
    for (at = 0; at < parts.length; at += 1) {
      part = parts[at].replace(/^ +/, '');
      if (part.indexOf(COOKIE) === 0) return part.substring(COOKIE.length);
    }
    return '';
  }

  function answer(message, origin) {
    var found = typeof message === 'string' && message.length <= MOST ? MESSAGE.exec(message) : null;
    var now = state();
    // Whoever gets this must not ask for a new sign-in, or would do so for ever.
    if (!found || !now) return 'error';
    return base64url(sha256(found[1] + ' ' + origin + ' ' + now + ' ' + found[3])) === found[2] ? 'unchanged' : 'changed';
  }

  window.addEventListener('message', function (event) {
    // A page without an origin can't be answered so that nobody else hears it.
    if (!event.source || !/^https?:\/\//.test(event.origin)) return;
    event.source.postMessage(answer(event.data, event.origin), event.origin);
  }, false);
}());
