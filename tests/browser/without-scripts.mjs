// The same ways with scripts off: sign-up, sign-in, consent, sign-out.

import {
  arrived, authorizationUrl, button, check, equal, nothingWrong, person, signIn, signUp, story, world,
} from './chromium.mjs';

await story(async (browser) => {
  const somebody = await person(browser, { javaScriptEnabled: false });
  const { page } = somebody;
  const newcomer = { email: 'no-scripts@example.test', password: 'quiet lantern harbour moss' };

  await page.goto(authorizationUrl(world.stranger));
  await page.getByRole('link', { name: 'Create an account' }).click();
  await signUp(page, newcomer);
  await button(page, 'Allow').click();
  check((await arrived(page, world.stranger.redirectUri)).get('code'), 'no code after the sign-up');

  await page.goto(`${world.issuer}/oauth/end_session`);
  await button(page, 'Sign out').click();
  await page.getByText('You are signed out').first().waitFor();

  await page.goto(authorizationUrl(world.stranger));
  await signIn(page, newcomer);
  check((await arrived(page, world.stranger.redirectUri)).get('code'), 'no code after the sign-in');
  await page.goto(authorizationUrl(world.stranger, { prompt: 'select_account' }));
  await page.getByRole('button', { name: newcomer.email }).click();
  equal((await arrived(page, world.stranger.redirectUri)).get('state'), 'a-state', 'state');
  nothingWrong(somebody);
});
