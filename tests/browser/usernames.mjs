// A tenant where people have a name and no address: sign-up without a mail, sign-in, another name; in English and in Polish,
// with scripts and without.

import { fourWays, nothingWrong, person, send, signInByName, story, world } from './chromium.mjs';

const PASSWORD = 'quiet lantern harbour moss';

await story(async (browser) => {
  console.log(`chapter ${world.chapter}`);
  await fourWays(walk)[world.chapter](browser);
});

async function walk(browser, options, see) {
  const somebody = await person(browser, options);
  const { page } = somebody;
  const seen = (name) => see(page, `usernames-${name}`);
  const faulty = (field) => page.locator(`#${field}[aria-invalid="true"]`).waitFor();

  await page.goto(`${world.issuer}/sign-in`);
  await seen('sign-in');
  await page.locator('main a[href*="/sign-up"]').click();
  await seen('sign-up');
  await page.locator('#username').fill('ada lovelace');
  await page.locator('#password').fill('short');
  await send(page, '/sign-up');
  await faulty('username');
  await seen('sign-up-refused');
  await page.locator('#username').fill('ada');
  await page.locator('#password').fill(PASSWORD);
  await send(page, '/sign-up');
  await page.waitForURL(`${world.issuer}/`);
  await page.locator('main').getByText('ada', { exact: true }).first().waitFor();
  await seen('home');

  // The name is taken, in whatever letters it is written.
  const other = await person(browser, options);
  await other.page.goto(`${world.issuer}/sign-up`);
  await other.page.locator('#username').fill('ADA');
  await other.page.locator('#password').fill(PASSWORD);
  await send(other.page, '/sign-up');
  await other.page.locator('#username[aria-invalid="true"]').waitFor();
  await see(other.page, 'usernames-taken');
  await other.page.goto(`${world.issuer}/sign-in`);
  await signInByName(other.page, { email: 'Ada', password: PASSWORD });
  await other.page.waitForURL(`${world.issuer}/`);

  await page.goto(`${world.issuer}/account`);
  await seen('profile');
  await page.locator('#username').fill('ada.lovelace');
  await send(page, '/account/username');
  await page.locator('p.notice.ok[role="status"]').waitFor();
  await page.goto(`${world.issuer}/password/forgot`);
  await seen('forgot');
  nothingWrong(somebody);
  nothingWrong(other);
}
