// A web application that signs people in with Portico: Node without a framework, and openid-client.
//
// Everything that is about the protocol is in signIn, callback and signOut.

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import * as client from 'openid-client';

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT } = process.env;
const base = `http://localhost:${PORT}`;
const redirectUri = `${base}/callback`;

const config = await client.discovery(
  new URL(ISSUER),
  CLIENT_ID,
  undefined,
  client.ClientSecretBasic(CLIENT_SECRET),
  // Only for an issuer on plain http, such as `portico dev`.
  { execute: ISSUER.startsWith('http:') ? [client.allowInsecureRequests] : [] },
);

/** What a sign-in that is under way must remember, and who it is once they are back; by a random id in a cookie. */
const visits = new Map();

async function signIn(request, response) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const expectedNonce = client.randomNonce();
  begin(response, { pkceCodeVerifier, expectedState, expectedNonce });
  const target = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  });
  redirect(response, target);
}

async function callback(request, response) {
  const { pkceCodeVerifier, expectedState, expectedNonce } = end(request);
  if (!expectedState) throw new Error('this answer belongs to no sign-in of this browser');
  const currentUrl = new URL(request.url, base);
  const tokens = await client.authorizationCodeGrant(config, currentUrl, {
    pkceCodeVerifier,
    expectedState,
    expectedNonce,
    idTokenExpected: true,
  });
  const { sub } = tokens.claims();
  const { email } = await client.fetchUserInfo(config, tokens.access_token, sub);
  begin(response, { sub, email, tokens, idToken: tokens.id_token, refreshToken: tokens.refresh_token });
  redirect(response, '/');
}

async function profile(request, response) {
  const visit = visits.get(visitOf(request));
  if (!visit?.tokens) return redirect(response, '/sign-in');
  // A token that ends within a minute is renewed first; each refresh token is good for one use.
  if (visit.tokens.expiresIn() <= 60) {
    visit.tokens = await client.refreshTokenGrant(config, visit.refreshToken);
    visit.refreshToken = visit.tokens.refresh_token ?? visit.refreshToken;
  }
  const { sub, name, email } = await client.fetchUserInfo(config, visit.tokens.access_token, visit.sub);
  show(response, 'Profile', `<dl><dt>sub<dd>${escaped(sub)}<dt>name<dd>${escaped(name)}<dt>email<dd>${escaped(email)}</dl>`);
}

function signOut(request, response) {
  const { idToken } = end(request);
  const target = client.buildEndSessionUrl(config, {
    id_token_hint: idToken ?? '',
    post_logout_redirect_uri: `${base}/`,
  });
  redirect(response, target);
}

function home(request, response) {
  const { email } = visits.get(visitOf(request)) ?? {};
  const offer = email
    ? '<a href="/profile">Profile</a><form method="post" action="/sign-out"><button>Sign out</button></form>'
    : '<a href="/sign-in">Sign in</a>';
  show(response, `Hello${email ? `, ${escaped(email)}` : ''}`, offer);
}

function show(response, heading, content) {
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(`<!doctype html><html lang="en"><title>Example</title><link rel="icon" href="data:,">
    <h1>${heading}</h1>${content}`);
}

/** A new id for each step, so that an id from before the sign-in is worth nothing after it. */
function begin(response, visit) {
  const id = randomBytes(32).toString('base64url');
  visits.set(id, visit);
  response.setHeader('set-cookie', `visit=${id}; Path=/; HttpOnly; SameSite=Lax`);
}

function end(request) {
  const id = visitOf(request);
  const visit = visits.get(id) ?? {};
  visits.delete(id);
  return visit;
}

const visitOf = (request) => /(?:^|; )visit=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];

const redirect = (response, target) => response.writeHead(303, { location: String(target) }).end();

const escaped = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const routes = {
  'GET /': home,
  'GET /sign-in': signIn,
  'GET /callback': callback,
  'GET /profile': profile,
  'POST /sign-out': signOut,
};

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, base);
  const handler = routes[`${request.method} ${pathname}`];
  try {
    if (handler) await handler(request, response);
    else response.writeHead(404).end();
  } catch (error) {
    response.writeHead(502, { 'content-type': 'text/plain' }).end(`the sign-in ended with ${error.message}`);
  }
});
server.listen(Number(PORT), '127.0.0.1', () => console.log('{"ready": true}'));
