// The administration: every page and everything that is done there; in English and in Polish, with scripts and without.

import { ask, check, equal, fourWays, heading, nothingWrong, person, signInByName, story, world } from './chromium.mjs';

const OWN_PASSWORD = 'a wholly other lantern at sea';

await story(async (browser) => {
  console.log(`chapter ${world.chapter}`);
  await fourWays(walk)[world.chapter](browser);
});

/** From the link that the command line prints to the end of a user. `see` judges each page as it stands. */
async function walk(browser, options, see) {
  const somebody = await person(browser, options);
  const { page } = somebody;
  const seen = (name) => see(page, `admin-${name}`);
  const ada = await person(browser, options);
  await ada.page.goto(`${world.issuer}/sign-in`);
  await signInByName(ada.page, world.person);
  await ada.page.waitForURL(`${world.issuer}/`);

  await page.goto(world.link);
  await seen('enter');
  await act(page, '/admin/enter');
  await page.locator('#password').waitFor();
  await seen('password');
  await page.locator('#password').fill('short');
  await act(page, '/admin/password');
  await page.locator('#password[aria-invalid="true"]').waitFor();
  await page.locator('#password').fill(OWN_PASSWORD);
  await act(page, '/admin/password');
  await done(page);
  await users(page, seen);
  await clients(page, seen);
  await keys(page, seen);
  await settings(page, seen);
  await events(page, seen);
  await provenAgain(page, seen);
  await user(page, seen);
  nothingWrong(somebody);
  nothingWrong(ada);
}

/** Presses the button of the form whose address ends so. */
function act(page, end) {
  return page.locator(`form[action$="${end}"] button[type="submit"]`).first().click();
}

/** What was done is said on the page. */
function done(page) {
  return page.locator('p.notice.ok[role="status"]').waitFor();
}

function open(page, path) {
  return page.goto(`${world.issuer}/admin${path}`);
}

async function users(page, seen) {
  await open(page, '/users');
  equal(await page.locator('tbody tr').count(), 3, 'users');
  await seen('users');
  await page.locator('#q').fill('nobody at all');
  await page.locator('form[role="search"] button').click();
  await page.locator('.empty').waitFor();
  await seen('users-none');
  await open(page, '/users/new');
  await seen('user-new');
  await page.locator('#email').fill('mary');
  await act(page, '/admin/users/new');
  await page.locator('#email[aria-invalid="true"]').waitFor();
  await seen('user-new-refused');
  await page.locator('#email').fill('mary@example.test');
  await page.locator('#name').fill('Mary Somerville');
  await act(page, '/admin/users/new');
  await done(page);
  equal(await heading(page), 'Mary Somerville', 'heading');
}

async function clients(page, seen) {
  await open(page, '/clients');
  await page.locator('.empty').waitFor();
  await seen('clients-none');
  await open(page, '/clients/new');
  await seen('client-new');
  await page.locator('#client_name').fill('Bookshop');
  await page.locator('#redirect_uris').fill('http://bookshop.example/callback');
  await act(page, '/admin/clients/new');
  await page.locator('#redirect_uris[aria-invalid="true"]').waitFor();
  equal(await page.locator('#client_name').inputValue(), 'Bookshop', 'what was typed');
  await seen('client-refused');
  await page.locator('#redirect_uris').fill('https://bookshop.example/callback');
  await act(page, '/admin/clients/new');
  await page.getByText('ptc_cs_', { exact: false }).first().waitFor();
  await seen('client-secret');
  await open(page, '/clients');
  await seen('clients');
  await page.locator('tbody a').first().click();
  await page.waitForURL((url) => url.pathname.startsWith('/admin/clients/cli_'));
  await seen('client');
  const shown = page.url();
  await act(page, '/secret');
  await page.getByText('ptc_cs_', { exact: false }).first().waitFor();
  await page.goto(shown);
  await act(page, '/end-secrets');
  await done(page);
  await page.locator('a[href$="/edit"]').click();
  await seen('client-edit');
  await page.locator('#client_name').fill('Book shop');
  await act(page, '/edit');
  await done(page);
  equal(await heading(page), 'Book shop', 'heading');
  await act(page, '/delete');
  await done(page);
  await page.locator('.empty').waitFor();
}

async function keys(page, seen) {
  await open(page, '/keys');
  await seen('keys');
  const before = await page.locator('tbody tr').count();
  await act(page, '/admin/keys/rotate');
  await done(page);
  equal(await page.locator('tbody tr').count(), before + 1, 'keys after one was announced');
  await seen('keys-announced');
  await page.locator('a[href$="/revoke"]').last().click();
  await page.locator('.panel.danger').waitFor();
  await seen('key-revoke');
  await act(page, '/revoke');
  await done(page);
}

async function settings(page, seen) {
  await open(page, '/settings');
  await seen('settings');
  const field = (name) => page.locator(`[id="${name}"]`);
  await field('colours.light.accent').fill('green');
  await act(page, '/admin/settings');
  await page.locator('[id="colours.light.accent"][aria-invalid="true"]').waitFor();
  await seen('settings-refused');
  await field('colours.light.accent').fill('#146c94');
  await field('name').fill('Łódź Trams');
  await act(page, '/admin/settings');
  await done(page);
  check((await page.title()).endsWith('Łódź Trams'), 'the name is not on the page');
  const buffer = Buffer.from(world.logo.split(',')[1], 'base64');
  await page.locator('#logo').setInputFiles({ name: 'logo.png', mimeType: 'image/png', buffer });
  await act(page, '/admin/settings/logo');
  await done(page);
  await seen('settings-logo');
  await act(page, '/admin/settings/remove-logo');
  await done(page);
}

async function events(page, seen) {
  await open(page, '/events');
  check((await page.locator('tbody tr').count()) > 5, 'few events');
  await seen('events');
  await page.locator('#kind').selectOption('tenant.updated');
  await page.locator('form[role="search"] button').click();
  equal(await page.locator('tbody tr').count(), 3, 'events of one kind');
  await page.locator('tbody a').first().click();
  await page.waitForURL((url) => url.pathname.startsWith('/admin/events/'));
  await seen('event');
}

/** Later the password is asked for again before what is dangerous, and leads back to it. */
async function provenAgain(page, seen) {
  await ask({ advance: 20 * 60 });
  await open(page, '/clients/new');
  await page.locator('#password').waitFor();
  await seen('confirm');
  await page.locator('#password').fill('not the password at all');
  await act(page, '/account/confirm');
  await page.locator('#password[aria-invalid="true"]').waitFor();
  await page.locator('#password').fill(OWN_PASSWORD);
  await act(page, '/account/confirm');
  await page.waitForURL((url) => url.pathname === '/admin/clients/new');
}

/** All that is done to a user, to their end. */
async function user(page, seen) {
  await open(page, '/users');
  await page.locator('tbody a').filter({ hasText: world.person.email }).click();
  await page.waitForURL((url) => url.pathname.startsWith('/admin/users/usr_'));
  await seen('user');
  for (const what of ['end-session', 'sign-out', 'forgive', 'disable']) {
    await act(page, `/${what}`);
    await done(page);
  }
  await seen('user-disabled');
  for (const what of ['enable', 'reset-password', 'delete']) {
    await act(page, `/${what}`);
    await done(page);
  }
  equal(await page.locator('tbody tr').count(), 3, 'users after one was deleted');
}
