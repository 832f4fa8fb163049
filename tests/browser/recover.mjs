// A forgotten password: asked for, proven by the mailed code, chosen anew; in English and in Polish, with scripts and without.

import {
  arrived, ask, authorizationUrl, check, equal, fourWays, mailedCode, nothingWrong, person, send, signInByName, story,
  world,
} from './chromium.mjs';

const NEW_PASSWORD = 'a wholly other lantern at sea';

await story(async (browser) => {
  console.log(`chapter ${world.chapter}`);
  await fourWays(walk)[world.chapter](browser);
});

async function walk(browser, options, see) {
  const somebody = await person(browser, options);
  const { page } = somebody;
  const seen = (name) => see(page, `recover-${name}`);
  const faulty = (field) => page.locator(`#${field}[aria-invalid="true"]`).waitFor();

  await page.goto(authorizationUrl(world.web));
  await page.locator('#email').fill(world.person.email);
  await send(page, '/sign-in');
  await page.locator('main a[href*="/password/forgot"]').click();
  await page.waitForURL((url) => url.pathname === '/password/forgot');
  await page.locator('#email').fill('ada');
  await send(page, '/password/forgot');
  await faulty('email');
  await seen('forgot-refused');
  await page.locator('#email').fill(world.person.email);
  await seen('forgot');
  await send(page, '/password/forgot');

  await page.locator('#code').waitFor();
  await seen('code');
  // The clock stands still otherwise, and of two mails at one instant none is the newer one.
  await ask({ advance: 1 });
  await send(page, '/password/resend');
  await page.locator('p.notice[role="status"]').waitFor();
  const code = await mailedCode(world.person.email);
  await page.locator('#code').fill(code === '000000' ? '111111' : '000000');
  await send(page, '/password/code');
  await faulty('code');
  await seen('code-refused');
  await page.locator('#code').fill(code);
  await send(page, '/password/code');

  await page.locator('#password').waitFor();
  await seen('password');
  await page.locator('#password').fill('short');
  await send(page, '/password/reset');
  await faulty('password');
  await seen('password-refused');
  await page.locator('#password').fill(NEW_PASSWORD);
  await send(page, '/password/reset');
  check((await arrived(page, world.web.redirectUri)).get('code'), 'no code after the new password');

  // The old password is gone, the new one works, in a browser that knows nothing of it.
  const elsewhere = await person(browser, options);
  await elsewhere.page.goto(authorizationUrl(world.web));
  await signInByName(elsewhere.page, world.person);
  await elsewhere.page.locator('#password[aria-invalid="true"]').waitFor();
  await elsewhere.page.locator('#password').fill(NEW_PASSWORD);
  await send(elsewhere.page, '/sign-in/password');
  equal((await arrived(elsewhere.page, world.web.redirectUri)).get('state'), 'a-state', 'state');
  nothingWrong(somebody);
  nothingWrong(elsewhere);
}
