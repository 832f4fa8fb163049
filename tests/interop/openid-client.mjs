// npm's openid-client against Portico: discovery, sign-in in a real Chromium, tokens, userinfo, refresh, logout.

import * as client from 'openid-client';
import { arrived, check, equal, nothingWrong, person, signIn, story, world } from '../browser/chromium.mjs';

await story(async (browser) => {
  const somebody = await person(browser);
  const { page } = somebody;

  const { issuer, clientId, clientSecret, method, landing: redirectUri } = world;

  const authentication = async () => {
    switch (method) {
      case 'none':
        return client.None();
      case 'client_secret_basic':
        return client.ClientSecretBasic(clientSecret);
      case 'client_secret_jwt':
        return client.ClientSecretJwt(clientSecret);
      case 'private_key_jwt': {
        const { kid, pkcs8 } = world.key;
        const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
        const key = await crypto.subtle.importKey('pkcs8', Buffer.from(pkcs8, 'base64'), algorithm, false, ['sign']);
        return client.PrivateKeyJwt({ key, kid });
      }
      default:
        throw new Error(`no such method: ${method}`);
    }
  };

  const config = await client.discovery(
    new URL(issuer),
    clientId,
    undefined,
    await authentication(),
    // Only for an issuer on plain http, such as `portico dev`.
    { execute: [client.allowInsecureRequests] },
  );
  check(config.serverMetadata().supportsPKCE(), 'PKCE is not announced');

  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const expectedNonce = client.randomNonce();
  const request = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid profile email offline_access',
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  });
  await page.goto(request.href);
  await signIn(page, world.person);
  await arrived(page, redirectUri);

  const currentUrl = new URL(page.url());
  const tokens = await client.authorizationCodeGrant(config, currentUrl, {
    pkceCodeVerifier,
    expectedState,
    expectedNonce,
    idTokenExpected: true,
  });
  const { sub, auth_time: authTime, amr } = tokens.claims();
  check(authTime && amr?.includes('pwd'), `the ID token says too little: ${JSON.stringify(tokens.claims())}`);

  const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub);
  equal(userinfo.email, world.person.email, 'email');
  equal(userinfo.email_verified, true, 'email_verified');

  check(tokens.refresh_token, 'no refresh token');
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
  check(refreshed.access_token !== tokens.access_token, 'a refresh brings a new access token');
  equal((await client.fetchUserInfo(config, refreshed.access_token, sub)).sub, sub, 'sub after the refresh');
  if (refreshed.id_token) equal(refreshed.claims().sub, sub, 'sub of the refreshed ID token');

  // RFC 7662 section 2.1: whoever asks has to prove who they are, which a public client can't.
  if (method !== 'none') {
    const introspected = await client.tokenIntrospection(config, refreshed.access_token);
    equal(introspected.active, true, 'active');
  }

  await client.tokenRevocation(config, refreshed.refresh_token ?? tokens.refresh_token);
  const refused = await client
    .refreshTokenGrant(config, refreshed.refresh_token ?? tokens.refresh_token)
    .then(() => 'nothing', ({ error }) => error);
  equal(refused, 'invalid_grant', 'what a revoked refresh token brings');

  const logout = client.buildEndSessionUrl(config, {
    id_token_hint: refreshed.id_token ?? tokens.id_token,
    post_logout_redirect_uri: redirectUri,
    state: 'bye',
  });
  await page.goto(logout.href);
  equal((await arrived(page, redirectUri)).get('state'), 'bye', 'state after the logout');

  // Signed out: the provider asks again.
  const again = await page.goto(request.href);
  equal(again.status(), 200, 'status of the sign-in page');
  check(page.url().startsWith(world.issuer), `still signed in: ${page.url()}`);
  nothingWrong(somebody);
});
