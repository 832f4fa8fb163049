// What a client that registered itself shows of itself on the pages of its own sign-in: its logo, from an origin of its own,
// and links; in English and in Polish, with scripts and without.

import {
  arrived, authorizationUrl, check, equal, fourWays, nothingWrong, person, send, signInByName, story, world,
} from './chromium.mjs';

await story(async (browser) => {
  console.log(`chapter ${world.chapter}`);
  await fourWays(walk)[world.chapter](browser);
});

async function walk(browser, options, see) {
  const somebody = await person(browser, options);
  const { page } = somebody;
  const shows = async (name) => {
    await see(page, `clients-${name}`);
    const logo = page.locator('main img.client-logo');
    equal(await logo.getAttribute('src'), world.logo, `the logo on ${name}`);
    check((await logo.getAttribute('alt')).includes('Photo prints'), `no words for the logo on ${name}`);
    // Without scripts nothing can be asked of the picture; that it was fetched shows below.
    if (options.javaScriptEnabled !== false) {
      check(await logo.evaluate((image) => image.complete && image.naturalWidth > 0), `no picture on ${name}`);
    }
    const links = await page.locator('main .client-links a').all();
    const hrefs = await Promise.all(links.map((link) => link.getAttribute('href')));
    equal(hrefs.join(' '), world.links.join(' '), `links on ${name}`);
  };
  const isCautious = async (name) => {
    check(await page.locator('main p.notice', { hasText: 'Photo prints' }).isVisible(), `no caution on ${name}`);
  };

  const fetched = [];
  page.on('request', (request) => fetched.push(request));
  await page.goto(authorizationUrl(world.client));
  await shows('sign-in');
  await isCautious('sign-in');
  const picture = fetched.find((request) => request.url() === world.logo);
  check(picture, `the logo is not fetched: ${fetched.map((request) => request.url())}`);
  const { referer } = await picture.allHeaders();
  check(!referer, `the logo's server learns of ${referer}`);
  await page.locator('main a[href*="/sign-up"]').click();
  await shows('sign-up');
  await isCautious('sign-up');
  await page.goBack();
  await page.locator('#email').fill(world.person.email);
  await send(page, '/sign-in');
  await shows('password');
  await page.locator('#password').fill('not the password');
  await send(page, '/sign-in/password');
  await page.locator('#password[aria-invalid="true"]').waitFor();
  await shows('password-refused');
  await page.locator('#password').fill(world.person.password);
  await send(page, '/sign-in/password');
  await page.locator('form[action="/consent"]').waitFor();
  await shows('consent');
  await isCautious('consent');
  await send(page, '/consent');
  await arrived(page, world.client.redirectUri);

  await page.goto(authorizationUrl(world.client, { prompt: 'select_account' }));
  await page.locator('form[action="/select-account"]').waitFor();
  await shows('select-account');

  // Without a client the page is as it was, and so is its policy.
  const other = await person(browser, options);
  const answer = await other.page.goto(`${world.issuer}/sign-in`);
  check((await answer.headerValue('content-security-policy')).includes("img-src 'self';"), 'another policy');
  equal(await other.page.locator('.client-logo, .client-links').count(), 0, 'clients without a flow');
  await signInByName(other.page, world.person);
  await other.page.waitForURL(`${world.issuer}/`);
  nothingWrong(somebody);
  nothingWrong(other);
}
