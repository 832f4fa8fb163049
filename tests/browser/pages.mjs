// Every page, as people meet it: the ways through, the ways that end, and what each looks like.

import {
  arrived, ask, authorizationUrl, button, check, equal, heading, look, mailedCode, nothingWrong, person, signIn, story,
  world,
} from './chromium.mjs';

const chapters = { newcomer, regular, back, consent, accounts, tabs, signOut, errors, expired };

await story(async (browser) => {
  const somebody = await person(browser);
  console.log(`chapter ${world.chapter}`);
  await chapters[world.chapter](somebody, browser);
  nothingWrong(somebody);
});

/** Sign-up with all its refusals, up to the mailed code. */
async function newcomer({ page }) {
  const email = 'newcomer@example.test';
  await page.goto(authorizationUrl(world.web));
  await look(page, 'sign-in');
  await page.getByRole('link', { name: 'Create an account' }).click();
  await look(page, 'sign-up');

  await page.getByLabel('Email address').fill(email);
  await page.getByLabel('Password').fill('short');
  await button(page, 'Create account').click();
  await page.getByText('at least', { exact: false }).first().waitFor();
  await look(page, 'sign-up-refused');
  await page.getByLabel('Email address').fill(email);
  await page.getByLabel('Password').fill('quiet lantern harbour moss');
  await button(page, 'Create account').click();

  await page.getByLabel('Code').waitFor();
  await look(page, 'verify');
  const code = await mailedCode(email);
  await page.getByLabel('Code').fill(code === '000000' ? '111111' : '000000');
  await button(page, 'Confirm').click();
  await page.getByText('That is not the code.', { exact: false }).first().waitFor();
  await look(page, 'verify-refused');
  await page.getByLabel('Code').fill(code);
  await button(page, 'Confirm').click();
  check((await arrived(page, world.web.redirectUri)).get('code'), 'no code after the sign-up');

  await page.goto(`${world.issuer}/dev/mailbox`);
  await page.getByText(email, { exact: false }).first().waitFor();
  await look(page, 'mailbox');
}

/** Sign-in, a wrong password, the page of somebody signed in. */
async function regular({ page }) {
  await page.goto(`${world.issuer}/`);
  await look(page, 'home-signed-out');
  await page.goto(authorizationUrl(world.web));
  await page.getByLabel('Email address').fill(world.person.email);
  await button(page, 'Continue').click();
  await page.getByLabel('Password').waitFor();
  await look(page, 'sign-in-password');
  await page.getByLabel('Password').fill('not the password at all');
  await button(page, 'Sign in').click();
  await page.getByText('is not right', { exact: false }).first().waitFor();
  await look(page, 'sign-in-refused');
  await page.getByLabel('Password').fill(world.person.password);
  await button(page, 'Sign in').click();
  check((await arrived(page, world.web.redirectUri)).get('code'), 'no code after the sign-in');

  await page.goto(`${world.issuer}/`);
  await page.getByText(world.person.email, { exact: false }).first().waitFor();
  await look(page, 'home-signed-in');
}

/** The back button after it is all over leads to a page that says so. */
async function back({ page }) {
  await page.goto(authorizationUrl(world.web));
  await signIn(page, world.person);
  await arrived(page, world.web.redirectUri);
  await page.goBack();
  equal(await heading(page), 'This page is too old', 'heading');
  await look(page, 'error-stale');
}

/** A relying party of somebody else: denied, allowed, remembered. */
async function consent({ page }) {
  await page.goto(authorizationUrl(world.stranger));
  await signIn(page, world.person);
  await button(page, 'Allow').waitFor();
  await look(page, 'consent');
  await button(page, 'Cancel').click();
  equal((await arrived(page, world.stranger.redirectUri)).get('error'), 'access_denied', 'error');

  await page.goto(authorizationUrl(world.stranger));
  await button(page, 'Allow').click();
  check((await arrived(page, world.stranger.redirectUri)).get('code'), 'no code after the consent');

  await page.goto(authorizationUrl(world.stranger));
  check((await arrived(page, world.stranger.redirectUri)).get('code'), 'the consent is not remembered');

  await page.goto(authorizationUrl(world.stranger, { prompt: 'none' }));
  check((await arrived(page, world.stranger.redirectUri)).get('code'), 'no code without a prompt');

  await page.goto(authorizationUrl(world.stranger, { prompt: 'consent' }));
  await button(page, 'Allow').waitFor();
}

/** Two accounts in one browser. */
async function accounts({ page }) {
  await page.goto(authorizationUrl(world.web));
  await signIn(page, world.person);
  await arrived(page, world.web.redirectUri);

  await page.goto(authorizationUrl(world.web, { prompt: 'select_account' }));
  await page.getByText(world.person.email, { exact: false }).first().waitFor();
  await look(page, 'select-account');
  await page.getByRole('link', { name: 'Use another account' }).or(button(page, 'Use another account')).click();
  await signIn(page, world.other);
  check((await arrived(page, world.web.redirectUri)).get('code'), 'no code for the second account');

  await page.goto(authorizationUrl(world.web, { prompt: 'select_account' }));
  await page.getByText(world.other.email, { exact: false }).first().waitFor();
  await look(page, 'select-account-of-two');
  await page.getByRole('button', { name: world.person.email }).click();
  check((await arrived(page, world.web.redirectUri)).get('code'), 'no code for the chosen account');
}

/** Two tabs that began before anyone was signed in; and one form sent twice. */
async function tabs({ context, page }) {
  const second = await context.newPage();
  await page.goto(authorizationUrl(world.web, { state: 'first' }));
  await second.goto(authorizationUrl(world.web, { state: 'second' }));
  await signIn(page, world.person);
  equal((await arrived(page, world.web.redirectUri)).get('state'), 'first', 'state');
  await signIn(second, world.person);
  equal((await arrived(second, world.web.redirectUri)).get('state'), 'second', 'state');
}

/** Signing out here, and by a relying party that doesn't say for whom. */
async function signOut({ page }) {
  await page.goto(authorizationUrl(world.web));
  await signIn(page, world.person);
  await arrived(page, world.web.redirectUri);

  await page.goto(`${world.issuer}/oauth/end_session`);
  await button(page, 'Sign out').waitFor();
  await look(page, 'sign-out');
  await button(page, 'Sign out').click();
  await page.getByText('You are signed out').first().waitFor();
  await look(page, 'signed-out');
  await page.goto(authorizationUrl(world.web, { prompt: 'none' }));
  equal((await arrived(page, world.web.redirectUri)).get('error'), 'login_required', 'error');
}

/** What people see when it isn't their fault, or is. */
async function errors({ page }) {
  const cases = [
    ['error-client', authorizationUrl({ ...world.web, clientId: 'cli_unknown' }), 400],
    ['error-redirect', authorizationUrl({ ...world.web, redirectUri: 'https://elsewhere.example/' }), 400],
    ['error-page', `${world.issuer}/no-such-page`, 404],
    ['error-flow', `${world.issuer}/consent?flow=flo_00000000000000000000000000000000`, 410],
    ['error-flow-shape', `${world.issuer}/sign-in?flow=x`, 400],
  ];
  for (const [name, address, status] of cases) {
    const answer = await page.goto(address);
    equal(answer.status(), status, `status of ${name}`);
    check((await heading(page)).length > 0, `${name} has no heading`);
    check(page.url().startsWith(world.issuer), `${name} left the provider`);
    await look(page, name);
  }
}

/** A sign-in page that was left open for too long. */
async function expired({ page }) {
  await page.goto(authorizationUrl(world.web));
  await page.getByLabel('Email address').fill(world.person.email);
  await ask({ advance: 2 * 60 * 60 });
  await button(page, 'Continue').click();
  await page.getByLabel('Password').fill(world.person.password);
  await button(page, 'Sign in').click();
  await page.getByRole('heading', { name: 'This page is too old' }).waitFor();
  await look(page, 'error-expired');
}
