// The pages of one's account: every page, and everything people do there; in English and in Polish, with scripts and without.

import {
  arrived, ask, authorizationUrl, button, check, equal, fourWays, heading, mailedCode, nothingWrong, person, send,
  signIn, signInByName, story, world,
} from './chromium.mjs';

const PAGES = ['', '/email', '/password', '/sessions', '/clients', '/language', '/data', '/delete'];
const NEW_PASSWORD = 'a wholly other lantern at sea';

await story(async (browser) => {
  console.log(`chapter ${world.chapter}`);
  await fourWays(walk)[world.chapter](browser);
});

/** From the first look at the account to its deletion. `see` judges each page as it stands. */
async function walk(browser, options, see) {
  const somebody = await person(browser, options);
  const { page } = somebody;
  const seen = (name) => see(page, `account-${name}`);
  await page.goto(`${world.issuer}/account`);
  await signInByName(page, world.person);
  await page.waitForURL((url) => url.pathname === '/account');
  for (const path of PAGES) {
    await open(page, path);
    check((await heading(page)).length > 0, `/account${path} has no heading`);
    equal(await page.locator('.sidenav [aria-current="page"]').count(), 1, `places in the navigation on /account${path}`);
    await seen(path.slice(1) || 'profile');
  }
  await profile(page, seen);
  await email(page, seen);
  await password(page, seen);
  await clients(page, seen);
  await sessions(browser, options, page, seen);
  await accounts(page, seen);
  await languages(page, options);
  await provenAgain(page, seen);
  await data(page);
  await end(page, seen);
  nothingWrong(somebody);
}

function open(page, path) {
  return page.goto(`${world.issuer}/account${path}`);
}

/** What was done is said on the page. */
function said(page) {
  return page.locator('p.notice.ok[role="status"]').waitFor();
}

/** What is wrong stands at the field. */
function faulty(page, field) {
  return page.locator(`#${field}[aria-invalid="true"]`).waitFor();
}

async function profile(page, seen) {
  await open(page, '');
  await page.locator('#website').fill('nowhere');
  await page.locator('#birthdate').fill('yesterday');
  await send(page, '/account');
  await faulty(page, 'website');
  await faulty(page, 'birthdate');
  equal(await page.locator('#website').inputValue(), 'nowhere', 'what was typed');
  await seen('profile-refused');
  await page.locator('#website').fill('https://ada.example/');
  await page.locator('#birthdate').fill('1815-12-10');
  await page.locator('#name').fill('Ada Lovelace');
  await send(page, '/account');
  await said(page);
  equal(await page.locator('.switcher .name').innerText(), 'Ada Lovelace', 'name');
  await seen('profile-saved');
}

/** An address comes in by its code, becomes the primary one, and the old one goes. */
async function email(page, seen) {
  const another = 'another@example.test';
  await open(page, '/email');
  await page.locator('#email').fill('another');
  await send(page, '/account/email');
  await faulty(page, 'email');
  await seen('email-refused');
  await page.locator('#email').fill(another);
  await send(page, '/account/email');
  await page.locator('#code').waitFor();
  await seen('email-verify');
  // The clock stands still otherwise, and of two mails at one instant none is the newer one.
  await ask({ advance: 1 });
  await send(page, '/account/email/resend');
  await page.locator('p.notice[role="status"]').waitFor();
  const code = await mailedCode(another);
  await page.locator('#code').fill(code === '000000' ? '111111' : '000000');
  await send(page, '/account/email/verify');
  await faulty(page, 'code');
  await seen('email-verify-refused');
  await page.locator('#code').fill(code);
  await send(page, '/account/email/verify');
  await said(page);
  await seen('email-two');
  await send(page, '/account/email/primary');
  await said(page);
  await send(page, '/account/email/remove');
  await said(page);
  equal(await page.locator('.rows li').count(), 1, 'addresses');
  await page.locator('.rows').getByText(another).waitFor();
  world.person.email = another;
}

async function password(page, seen) {
  const change = async (current) => {
    await page.locator('#password').fill(current);
    await page.locator('#new_password').fill(NEW_PASSWORD);
    await send(page, '/account/password');
  };
  await open(page, '/password');
  await change('not the password at all');
  await faulty(page, 'password');
  await seen('password-refused');
  await change(world.person.password);
  await said(page);
  await seen('password-changed');
  world.person.password = NEW_PASSWORD;
}

/** An app is let in, seen, and put out. */
async function clients(page, seen) {
  await page.goto(authorizationUrl(world.stranger, { scope: 'openid profile email offline_access', prompt: 'consent' }));
  await page.locator('button[value="approve"]').click();
  check((await arrived(page, world.stranger.redirectUri)).get('code'), 'no code after the consent');
  await open(page, '/clients');
  await page.getByText('Photo prints').first().waitFor();
  await seen('clients-one');
  await send(page, '/account/clients');
  await said(page);
  equal(await page.locator('.rows li').count(), 0, 'apps that are connected');
  await seen('clients-none');
}

/** Two more browsers: one is put out by name, then all others. */
async function sessions(browser, options, page, seen) {
  const others = [];
  for (let i = 0; i < 2; i += 1) {
    const other = await person(browser, options);
    await other.page.goto(`${world.issuer}/account`);
    await signInByName(other.page, world.person);
    await other.page.waitForURL((url) => url.pathname === '/account');
    others.push(other.page);
  }
  await open(page, '/sessions');
  equal(await page.locator('.rows li').count(), 3, 'devices');
  await seen('sessions-three');
  await page.locator('.rows li').filter({ hasNot: page.locator('.badge') }).first().getByRole('button').click();
  await said(page);
  equal(await page.locator('.rows li').count(), 2, 'devices after one was signed out');
  await page.locator('button[name="which"][value="others"]').click();
  await said(page);
  equal(await page.locator('.rows li').count(), 1, 'devices after the others were signed out');
  for (const other of others) {
    await other.goto(`${world.issuer}/account`);
    await other.waitForURL((url) => url.pathname === '/sign-in');
  }
}

/** A second account in the same browser, and the way between both. */
async function accounts(page, seen) {
  await open(page, '');
  await page.locator('.switcher summary').click();
  await seen('switcher');
  const links = page.locator('.switcher .menu a');
  await links.nth((await links.count()) - 2).click();
  await signInByName(page, world.other);
  await page.waitForURL((url) => url.pathname === '/');
  await seen('home-of-two');
  await page.locator('main a[href*="/account"]').last().click();
  await page.locator('.switcher .name').getByText(world.other.email).waitFor();
  await page.locator('.switcher summary').click();
  await seen('switcher-of-two');
  await page.locator('.switcher .menu a').filter({ hasText: 'Ada Lovelace' }).click();
  await page.locator('.switcher .name').getByText('Ada Lovelace').waitFor();
}

/** The other language, and back: the person's choice is stronger than the browser's wish. */
async function languages(page, { locale }) {
  const own = locale.slice(0, 2);
  for (const tag of [own === 'en' ? 'pl' : 'en', own]) {
    await page.locator('.sidenav a[href*="/account/language"]').click();
    await page.locator('#language').selectOption(tag);
    await send(page, '/account/language');
    await said(page);
    equal(await page.locator('html').getAttribute('lang'), tag, 'language');
  }
}

/** Later the password is asked for again, and leads back to what was wanted. */
async function provenAgain(page, seen) {
  await ask({ advance: 15 * 60 });
  await page.locator('.sidenav a[href*="/account/data"]').click();
  equal(await page.locator('form[action*="/account/data"]').count(), 0, 'exports without a recent proof');
  await seen('data-unproven');
  await page.locator('main a.button').click();
  await page.locator('#password').waitFor();
  await seen('confirm');
  await page.locator('#password').fill('not the password at all');
  await send(page, '/account/confirm');
  await faulty(page, 'password');
  await seen('confirm-refused');
  await page.locator('#password').fill(world.person.password);
  await send(page, '/account/confirm');
  await page.waitForURL((url) => url.pathname === '/account/data');
}

async function data(page) {
  const [file] = await Promise.all([page.waitForEvent('download'), send(page, '/account/data')]);
  equal(file.suggestedFilename(), 'account.json', 'name of the file');
  const path = await file.path();
  const { readFile } = await import('node:fs/promises');
  const stored = JSON.parse(await readFile(path, 'utf8'));
  check(JSON.stringify(stored).includes(world.person.email), 'an export without the address');
}

async function end(page, seen) {
  await page.locator('.sidenav a[href*="/account/delete"]').click();
  await send(page, '/account/delete');
  await faulty(page, 'sure');
  await seen('delete-unsure');
  await page.locator('#sure').check();
  await send(page, '/account/delete');
  await page.waitForURL((url) => url.pathname === '/account/delete');
  equal(await page.locator('.sidenav').count(), 0, 'navigation of a deleted account');
  await seen('deleted');
  await page.goto(`${world.issuer}/sign-in`);
  await page.locator('#email').fill(world.person.email);
  await send(page, '/sign-in');
  await page.locator('#password').fill(world.person.password);
  await send(page, '/sign-in/password');
  await faulty(page, 'password');
}
