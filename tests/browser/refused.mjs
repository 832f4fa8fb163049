// Where people may not go on: sign-up that a tenant has closed, and too many wrong passwords; in English and in Polish, with
// scripts and without.

import { check, equal, fourWays, heading, nothingWrong, person, send, story, world } from './chromium.mjs';

/** Wrong guesses that cost no wait. */
const FREE = 5;

await story(async (browser) => {
  console.log(`chapter ${world.chapter}`);
  await fourWays(walk)[world.chapter](browser);
});

async function walk(browser, options, see) {
  const somebody = await person(browser, options);
  const { page } = somebody;
  const answer = await page.goto(`${world.issuer}/sign-up`);
  equal(answer.status(), 403, 'status of a closed sign-up');
  check((await heading(page)).length > 0, 'no heading');
  await see(page, 'refused-sign-up');
  await page.goto(`${world.issuer}/sign-in`);
  equal(await page.locator('main a[href*="/sign-up"]').count(), 0, 'links to a closed sign-up');

  await page.locator('#email').fill(world.person.email);
  await send(page, '/sign-in');
  const guess = async (password) => {
    await page.locator('#password').fill(password);
    const [sent] = await Promise.all([page.waitForNavigation(), send(page, '/sign-in/password')]);
    return sent.status();
  };
  for (let i = 0; i < FREE; i += 1) equal(await guess(`not the password ${i}`), 422, 'status of a wrong guess');
  equal(await guess(world.person.password), 429, 'status of a guess that must wait');
  await see(page, 'refused-too-many');
  nothingWrong(somebody);
}
