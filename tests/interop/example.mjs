// A person at an application of the integrators' guide: in, recognised, out, and not in any more.

import { button, check, equal, heading, nothingWrong, person, signIn, story, world } from '../browser/chromium.mjs';

await story(async (browser) => {
  const somebody = await person(browser);
  const { page } = somebody;
  await page.goto(world.application);
  equal(await heading(page), 'Hello', 'heading of a stranger');
  await page.getByRole('link', { name: 'Sign in' }).click();
  await signIn(page, world.person);
  await page.getByRole('heading', { name: `Hello, ${world.person.email}` }).waitFor();
  const before = (await page.context().cookies()).find(({ name }) => name === 'visit')?.value;

  await button(page, 'Sign out').click();
  await page.getByRole('heading', { name: 'Hello', exact: true }).waitFor();
  equal(page.url(), world.application, 'where the sign-out ends');
  // At the provider too: it asks again.
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('Email address').waitFor();
  check(page.url().startsWith(world.issuer), 'the provider does not ask again');

  // Nobody's answer: neither a made-up one nor one for another browser.
  const forged = await page.request.get(`${world.application}callback?code=x&state=y`, { failOnStatusCode: false });
  check(forged.status() >= 400, `a forged answer was taken: ${forged.status()}`);
  check(before, 'no visit');
  nothingWrong(somebody);
});
