// A person at an application of the integrators' guide: in, recognised, known by userinfo, in again without being asked,
// out, and not in any more.

import { button, check, equal, heading, nothingWrong, person, signIn, story, world } from '../browser/chromium.mjs';

await story(async (browser) => {
  const somebody = await person(browser);
  const { page } = somebody;
  const asked = requests(page);
  await page.goto(world.application);
  equal(await heading(page), 'Hello', 'heading of a stranger');
  await page.getByRole('link', { name: 'Sign in' }).click();
  await signIn(page, world.person);
  await greeted(page);
  equal(page.url(), world.application, 'where the sign-in ends');
  await profile(page);
  await profile(page);

  // Forgotten by the application alone: the provider knows who it is.
  check((await page.context().cookies()).some(({ name }) => name === 'visit'), 'no visit');
  await page.context().clearCookies({ name: 'visit' });
  await page.goto(world.application);
  equal(await heading(page), 'Hello', 'heading of somebody who was forgotten');
  await page.getByRole('link', { name: 'Sign in' }).click();
  await greeted(page);

  await button(page, 'Sign out').click();
  await page.getByRole('heading', { name: 'Hello', exact: true }).waitFor();
  equal(page.url(), world.application, 'where the sign-out ends');
  // What is behind a sign-in leads to it, and the provider asks again.
  await page.goto(`${world.application}profile`);
  await page.getByLabel('Email address').waitFor();
  check(page.url().startsWith(world.issuer), 'the provider does not ask again');

  equal(asked.length, 3, 'sign-ins that were asked for');
  equal(new Set(asked.map(({ state }) => state)).size, 3, 'states');
  equal(new Set(asked.map(({ nonce }) => nonce)).size, 3, 'nonces');
  equal(new Set(asked.map(({ code_challenge: challenge }) => challenge)).size, 3, 'challenges');
  for (const request of asked) {
    check(request.state && request.nonce && request.code_challenge, `too little asked: ${JSON.stringify(request)}`);
    equal(request.code_challenge_method, 'S256', 'code_challenge_method');
    equal(request.redirect_uri, world.callback, 'redirect_uri');
    equal(request.response_mode ?? '', world.responseMode, 'response_mode');
  }

  // Nobody's answer: neither a made-up one nor one for another browser.
  const forged = await page.request.get(`${world.callback}?code=x&state=y`, { failOnStatusCode: false });
  check(forged.status() >= 400, `a forged answer was taken: ${forged.status()}`);
  nothingWrong(somebody);
});

/** The authorization requests that this browser is sent with, from here on. */
function requests(page) {
  const asked = [];
  page.on('request', (request) => {
    const { origin, pathname, searchParams } = new URL(request.url());
    if (origin === world.issuer && pathname === '/oauth/authorize') asked.push(Object.fromEntries(searchParams));
  });
  return asked;
}

async function greeted(page) {
  await page.getByRole('heading', { name: `Hello, ${world.person.email}` }).waitFor();
}

/** What the application learns from userinfo, with a token that it has to renew first. */
async function profile(page) {
  await page.getByRole('link', { name: 'Profile' }).click();
  await page.getByRole('heading', { name: 'Profile', exact: true }).waitFor();
  const [sub, name, email] = await page.locator('dd').allInnerTexts();
  equal(sub.trim(), world.person.sub, 'sub');
  equal(name.trim(), world.person.name, 'name');
  equal(email.trim(), world.person.email, 'email');
  await page.goBack();
  await greeted(page);
}
