// The pages of one's account: every page, and what people do there.

import {
  button, check, equal, heading, look, mailedCode, nothingWrong, person, signIn, story, world,
} from './chromium.mjs';

const chapters = { pages, withoutScripts };
const PAGES = [
  ['profile', '/account'],
  ['email', '/account/email'],
  ['password', '/account/password'],
  ['sessions', '/account/sessions'],
  ['clients', '/account/clients'],
  ['data', '/account/data'],
  ['delete', '/account/delete'],
];

await story(async (browser) => {
  console.log(`chapter ${world.chapter}`);
  await chapters[world.chapter](browser);
});

/** Every page as it is right after the sign-in, with faults, and when the password is asked for again. */
async function pages(browser) {
  const somebody = await person(browser);
  const { page } = somebody;
  await page.goto(`${world.issuer}/account`);
  await signIn(page, world.person);
  await page.getByRole('heading', { name: 'Profile' }).waitFor();
  for (const [name, path] of PAGES) {
    await page.goto(`${world.issuer}${path}`);
    check((await heading(page)).length > 0, `${path} has no heading`);
    await look(page, `account-${name}`);
  }

  await page.goto(`${world.issuer}/account`);
  await page.getByLabel('Website').fill('nowhere');
  await page.getByLabel('Date of birth').fill('yesterday');
  await button(page, 'Save').click();
  await page.getByText('Please check this').waitFor();
  await look(page, 'account-profile-refused');

  await change(page);
  await page.getByText('Switch account').click();
  await look(page, 'account-switcher');

  await page.goto(`${world.issuer}/account/password`);
  await page.getByLabel('Current password').fill('not the password at all');
  await page.getByLabel('New password').fill('a wholly other lantern at sea');
  await button(page, 'Change password').click();
  await page.getByText('This is not your password', { exact: false }).first().waitFor();
  await look(page, 'account-password-refused');
  nothingWrong(somebody);
}

/** An address comes in by its code and is made primary. */
async function change(page) {
  const email = 'another@example.test';
  await page.goto(`${world.issuer}/account/email`);
  await page.getByLabel('Email address', { exact: true }).fill(email);
  await button(page, 'Send a code').click();
  await page.getByLabel('Code').waitFor();
  await look(page, 'account-email-verify');
  await page.getByLabel('Code').fill(await mailedCode(email));
  await button(page, 'Confirm').click();
  await page.getByText('The address was added.').waitFor();
  await look(page, 'account-email-two');
  await page.getByRole('button', { name: `Make ${email} primary` }).click();
  await page.getByText('Both addresses were told.').waitFor();
}

/** The same with scripts off, to the end of the account. */
async function withoutScripts(browser) {
  const somebody = await person(browser, { javaScriptEnabled: false });
  const { page } = somebody;
  await page.goto(`${world.issuer}/account/delete`);
  await signIn(page, world.person);
  await page.getByRole('heading', { name: 'Delete account' }).waitFor();
  await page.goto(`${world.issuer}/account`);
  await page.getByLabel('Full name').fill('Ada Lovelace');
  await button(page, 'Save').click();
  await page.getByText('Your profile was saved.').waitFor();
  await page.getByText('Ada Lovelace').first().waitFor();
  await page.goto(`${world.issuer}/account/data`);
  const [file] = await Promise.all([page.waitForEvent('download'), button(page, 'Download my data').click()]);
  equal(file.suggestedFilename(), 'account.json', 'name of the file');
  await page.goto(`${world.issuer}/account/delete`);
  await page.getByLabel('Yes, delete the account', { exact: false }).check();
  await button(page, 'Delete account').click();
  await page.getByRole('heading', { name: 'Your account is deleted' }).waitFor();
  nothingWrong(somebody);
}
