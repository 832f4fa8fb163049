// A page of a client holds the frame of the provider and asks it, as OpenID Connect Session Management section 3 says.

import { arrived, authorizationUrl, check, equal, nothingWrong, person, send, signInByName, story, world } from './chromium.mjs';

// A page of the client, at the origin where its answers arrive; and one of somebody else, at another site.
const CLIENT = world.rp.redirectUri;
const STRANGER = CLIENT.replace('localhost', '127.0.0.1');

await story(async (browser) => {
  const somebody = await person(browser);
  const { context, page } = somebody;
  const signIn = async () => {
    await page.goto(authorizationUrl(world.rp));
    if (page.url().startsWith(world.issuer)) await signInByName(page, world.person);
    return arrived(page, CLIENT);
  };
  const sessionState = (await signIn()).get('session_state');
  check(sessionState, 'no session_state in the answer');
  await frame(page);
  const asked = (message) => page.evaluate((text) => globalThis.askProvider(text), message);
  const good = `${world.rp.clientId} ${sessionState}`;
  equal(await asked(good), 'unchanged', 'right after the sign-in');
  equal(await asked(`other ${sessionState}`), 'changed', 'another client');
  const bent = good.replace(/ (.)/, (_, first) => ` ${first === 'A' ? 'B' : 'A'}`);
  equal(await asked(bent), 'changed', 'another hash');
  for (const malformed of ['', 'x', sessionState, `${good} `, ` ${good}`, `${good}.x`, 7, null, { a: 1 }]) {
    equal(await asked(malformed), 'error', `malformed: ${JSON.stringify(malformed)}`);
  }

  // A page of another site learns nothing by what was stolen, whether this browser lets the cookie go along there or not.
  await page.goto(STRANGER);
  await frame(page);
  const told = await asked(good);
  check(['changed', 'error'].includes(told), `another origin is told ${told}`);

  const elsewhere = await context.newPage();
  await elsewhere.goto(`${world.issuer}/sign-out`);
  await page.goto(CLIENT);
  await frame(page);
  equal(await asked(good), 'unchanged', 'before the sign-out');
  await send(elsewhere, '/sign-out');
  await elsewhere.locator('a.button').waitFor();
  equal(await asked(good), 'changed', 'after the sign-out');

  const anew = (await signIn()).get('session_state');
  await frame(page);
  equal(await asked(`${world.rp.clientId} ${anew}`), 'unchanged', 'after the next sign-in');
  equal(await asked(good), 'changed', 'what was told before it');

  // A browser that keeps the cookie from frames: never a reason to ask for a new sign-in.
  await context.clearCookies();
  equal(await asked(`${world.rp.clientId} ${anew}`), 'error', 'without the cookie');
  nothingWrong(somebody);
});

/** Puts the provider's frame into the page, and a way to ask it. */
function frame(page) {
  return page.evaluate(async (issuer) => {
    const op = document.createElement('iframe');
    op.title = 'Provider';
    op.src = `${issuer}/oauth/check_session`;
    await new Promise((loaded) => {
      op.addEventListener('load', loaded);
      document.body.append(op);
    });
    globalThis.askProvider = (message) => new Promise((resolve, reject) => {
      const { origin } = new URL(issuer);
      const heard = (event) => {
        if (event.origin !== origin || event.source !== op.contentWindow) return;
        removeEventListener('message', heard);
        resolve(event.data);
      };
      addEventListener('message', heard);
      setTimeout(() => reject(new Error('the frame says nothing')), 10_000);
      op.contentWindow.postMessage(message, origin);
    });
  }, world.issuer);
}
