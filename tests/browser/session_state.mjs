// A page of a client holds the frame of the provider and asks it, as OpenID Connect Session Management section 3 says.

import { arrived, authorizationUrl, check, equal, nothingWrong, person, send, signInByName, story, world } from './chromium.mjs';

const PAGE = `<!doctype html><html lang="en"><title>Client</title>
<iframe id="op" title="Provider" src="${world.issuer}/oauth/check_session"></iframe>
<script>
window.askProvider = (message) => new Promise((resolve) => {
  addEventListener('message', (event) => {
    if (event.origin === ${JSON.stringify(new URL(world.issuer).origin)}) resolve(event.data);
  }, { once: true });
  document.getElementById('op').contentWindow.postMessage(message, ${JSON.stringify(new URL(world.issuer).origin)});
});
</script>`;

// A page of the client, at the origin where its answers arrive; and one of somebody else, at another site.
const CLIENT = new URL('/frame', world.rp.redirectUri).href;
const STRANGER = 'https://evil.example.test/';

await story(async (browser) => {
  const somebody = await person(browser);
  const { context, page } = somebody;
  const frame = (route) => route.fulfill({ contentType: 'text/html', body: PAGE });
  await context.route(CLIENT, frame);
  await context.route(`${STRANGER}**`, frame);
  const signIn = async () => {
    await page.goto(authorizationUrl(world.rp));
    if (page.url().startsWith(world.issuer)) await signInByName(page, world.person);
    const answer = await arrived(page, world.rp.redirectUri);
    await page.goto(CLIENT);
    return answer;
  };
  const sessionState = (await signIn()).get('session_state');
  check(sessionState, 'no session_state in the answer');
  const asked = (message) => page.evaluate((text) => globalThis.askProvider(text), message);
  const good = `${world.rp.clientId} ${sessionState}`;
  equal(await asked(good), 'unchanged', 'right after the sign-in');
  equal(await asked(`other ${sessionState}`), 'changed', 'another client');
  const bent = good.replace(/ (.)/, (_, first) => ` ${first === 'A' ? 'B' : 'A'}`);
  equal(await asked(bent), 'changed', 'another hash');
  for (const malformed of ['', 'x', sessionState, `${good} `, ` ${good}`, `${good}.x`, 7, null, { a: 1 }]) {
    equal(await asked(malformed), 'error', `malformed: ${JSON.stringify(malformed)}`);
  }

  // A page of another site learns nothing by what was stolen. It isn't an error: the cookie goes along there too.
  await page.goto(STRANGER);
  equal(await asked(good), 'changed', 'another origin');

  const elsewhere = await context.newPage();
  await elsewhere.goto(`${world.issuer}/sign-out`);
  await page.goto(CLIENT);
  equal(await asked(good), 'unchanged', 'before the sign-out');
  await send(elsewhere, '/sign-out');
  await elsewhere.locator('a.button').waitFor();
  await elsewhere.waitForLoadState('load');
  equal(await asked(good), 'changed', 'after the sign-out');

  const anew = (await signIn()).get('session_state');
  equal(await asked(`${world.rp.clientId} ${anew}`), 'unchanged', 'after the next sign-in');
  equal(await asked(good), 'changed', 'what was told before it');

  // A browser that keeps the cookie from frames: never a reason to ask for a new sign-in.
  await context.clearCookies();
  equal(await asked(`${world.rp.clientId} ${anew}`), 'error', 'without the cookie');
  nothingWrong(somebody);
});
