// Somebody without an account opens the demo, signs up, reads the mailed code, sees the ID token; then everything else that
// the demo can do.

import {
  button, check, equal, heading, look, nothingWrong, person, signIn, signUp, story, world,
} from './chromium.mjs';

await story(async (browser) => {
  const newcomer = await person(browser);
  const { page } = newcomer;
  const { email } = world.person;

  await page.goto(world.demo);
  await look(page, 'demo-welcome');
  await page.getByRole('link', { name: 'Sign in', exact: true }).click();
  await page.getByRole('link', { name: 'Create an account' }).click();
  await signUp(page, world.person);

  await page.waitForURL(`${world.demo}/`);
  equal(await heading(page), `Signed in as ${email}`, 'heading');
  const idToken = page.getByRole('table', { name: 'ID token' });
  equal(await claim(idToken, 'iss'), world.issuer, 'iss');
  const userinfo = page.getByRole('table', { name: 'Userinfo' });
  equal(await claim(userinfo, 'email'), email, 'email');
  equal(await claim(userinfo, 'email_verified'), 'true', 'email_verified');
  const subject = await claim(idToken, 'sub');
  equal(await claim(userinfo, 'sub'), subject, 'sub of userinfo');
  await page.getByText('As it was sent').click();
  await look(page, 'demo-person');

  await button(page, 'Refresh the tokens').click();
  await page.getByText('The tokens were refreshed once.').waitFor();
  await button(page, 'Refresh the tokens').click();
  await page.getByText('The tokens were refreshed 2 times.').waitFor();

  await button(page, 'Sign out').click();
  await page.getByText('You are signed out.').waitFor();
  check(page.url().startsWith(world.demo), `signed out at ${page.url()}`);
  await page.getByRole('link', { name: 'Sign in', exact: true }).click();
  check(page.url().startsWith(world.issuer), 'the provider asks again after a sign-out');
  await signIn(page, world.person);
  await page.waitForURL(`${world.demo}/`);
  equal(await claim(page.getByRole('table', { name: 'ID token' }), 'sub'), subject, 'sub at the second sign-in');

  await page.goto(`${world.demo}/callback?code=x&state=y`);
  equal(await heading(page), 'This sign-in was not begun here', 'heading');
  await look(page, 'demo-trouble');
  nothingWrong(newcomer);
});

function claim(table, name) {
  const header = table.page().getByRole('rowheader', { name, exact: true });
  return table.getByRole('row').filter({ has: header }).getByRole('cell').innerText();
}
