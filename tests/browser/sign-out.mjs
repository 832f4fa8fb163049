// The page after a sign-out, with clients' own pages in frames that nobody sees; in English and in Polish, with scripts and
// without.

import {
  arrived, ask, authorizationUrl, check, equal, fourWays, nothingWrong, person, send, signInByName, story, world,
} from './chromium.mjs';

const [shop, forum] = world.clients;

await story(async (browser) => {
  console.log(`chapter ${world.chapter}`);
  await fourWays(walk)[world.chapter](browser);
});

async function walk(browser, options, see) {
  const somebody = await person(browser, options);
  const { page } = somebody;
  const hasScripts = options.javaScriptEnabled !== false;
  const signIn = async () => {
    await page.goto(authorizationUrl(shop));
    await signInByName(page, world.person);
    await arrived(page, shop.redirectUri);
    await page.goto(authorizationUrl(forum));
    await arrived(page, forum.redirectUri);
  };

  // Where there is nowhere to go on to.
  await signIn();
  await page.goto(`${world.issuer}/sign-out`);
  await send(page, '/sign-out');
  await framesAreShown(page);
  await told();
  await see(page, 'sign-out-done');

  // Back to the client, once the others have heard.
  const back = new URL(`${world.issuer}/oauth/end_session`);
  back.searchParams.set('client_id', shop.clientId);
  back.searchParams.set('post_logout_redirect_uri', shop.redirectUri);
  back.searchParams.set('state', 'a-state');
  const leave = async () => {
    await page.goto(back.href);
    await send(page, '/oauth/end_session/confirm');
  };
  await signIn();
  await leave();
  equal((await arrived(page, shop.redirectUri)).get('state'), 'a-state', 'state');
  await told();

  // The page on the way, from which nobody gets on for now.
  await signIn();
  const isBack = (url) => url.href.startsWith(shop.redirectUri);
  await page.route(isBack, (route) => route.abort('aborted'));
  await leave();
  await framesAreShown(page);
  await told();
  await see(page, 'sign-out-on-the-way');
  if (hasScripts) {
    for (const frame of page.frames().slice(1)) equal(await frame.title(), 'ran', 'title of a frame');
  }
  await page.unroute(isBack);
  await page.locator('main a.button').click();
  equal((await arrived(page, shop.redirectUri)).get('state'), 'a-state', 'state after the button');

  // A client that never answers keeps nobody for long; without scripts there is the button.
  await signIn();
  await ask({ hangs: true });
  await leave();
  if (!hasScripts) await page.locator('main a.button').click({ noWaitAfter: true });
  await arrived(page, shop.redirectUri);

  // Frames that try to lead the page away are refused by the browser, which says so.
  somebody.complaints = somebody.complaints.filter((text) => !/navigat|sandbox/i.test(text));
  nothingWrong(somebody);
}

/** Two frames have loaded, and nobody sees them. */
async function framesAreShown(page) {
  await page.locator('iframe').first().waitFor({ state: 'attached' });
  await page.waitForLoadState('load');
  equal(await page.locator('iframe').count(), 2, 'frames');
  equal(await page.locator('iframe:visible').count(), 0, 'frames that can be seen');
  check(page.url().startsWith(world.issuer), `a frame led the page away to ${page.url()}`);
}

/** Each client has heard once since the last time, and which session it was. */
async function told() {
  const heard = [[], []];
  for (let i = 0; i < 100 && heard.some((asked) => asked.length === 0); i += 1) {
    for (const [index, asked] of (await ask({})).entries()) heard[index].push(...asked);
    await new Promise((later) => { setTimeout(later, 100); });
  }
  for (const asked of heard) {
    equal(asked.length, 1, 'how often a client heard');
    const { searchParams } = new URL(asked[0].address, 'http://client.test');
    equal(searchParams.get('by'), 'portico', 'its own query');
    equal(searchParams.get('iss'), world.issuer, 'iss');
    check(searchParams.get('sid')?.startsWith('ses_'), `sid in ${asked[0].address}`);
    equal(asked[0].referrer, false, 'a referrer');
  }
}
