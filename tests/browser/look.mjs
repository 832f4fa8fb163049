// What the script adds to pages, and what a tenant's settings change of them.

import {
  arrived, authorizationUrl, button, check, equal, look, nothingWrong, person, signIn, story, world,
} from './chromium.mjs';

const chapters = { peek, strength, once, ownLook, zoomed };
const STRONG = 'quiet lantern harbour moss';

await story(async (browser) => {
  const somebody = await person(browser);
  console.log(`chapter ${world.chapter}`);
  await chapters[world.chapter](somebody, browser);
  nothingWrong(somebody);
});


/** A password is shown and hidden, by pointer and by keyboard, and is sent as a password. */
async function peek({ page }) {
  await page.goto(`${world.issuer}/sign-up`);
  const field = page.getByLabel('Password');
  await field.fill(STRONG);
  await button(page, 'Show password').click();
  equal(await field.getAttribute('type'), 'text', 'type of a field that is shown');
  equal(await page.locator('.peek').getAttribute('aria-pressed'), 'true', 'aria-pressed');
  check(await field.evaluate((it) => it === document.activeElement), 'the field lost the focus');
  equal(await page.locator('.peek').getAttribute('type'), 'button', 'the button sends no form');
  await look(page, 'password-shown');
  await button(page, 'Hide password').focus();
  await page.keyboard.press('Enter');
  equal(await field.getAttribute('type'), 'password', 'type of a field that is hidden again');
  equal(await field.inputValue(), STRONG, 'value');
  equal(await field.getAttribute('autocomplete'), 'new-password', 'what password managers read');

  await page.getByLabel('Email address').fill('peek@example.test');
  await button(page, 'Show password').click();
  let type;
  await page.exposeFunction('tell', (told) => { type = told; });
  await page.evaluate(() => addEventListener('submit', () => globalThis.tell(document.querySelector('#password').type)));
  await button(page, 'Create account').click();
  await page.getByLabel('Code').waitFor();
  equal(type, 'password', 'type when the form was sent');
}

/** The meter goes with what is typed, says it politely, and keeps out of the way of the form. */
async function strength({ page, context }) {
  await page.goto(`${world.issuer}/sign-up`);
  const field = page.getByLabel('Password');
  const meter = page.locator('.strength meter');
  check(!(await meter.isVisible()), 'a meter before anything was typed');
  await field.fill('quiet lantern');
  await page.getByText('2 more characters, please.', { exact: true }).waitFor();
  await look(page, 'strength-weak');
  await page.getByLabel('Email address').fill('somebody.special@example.test');
  await field.fill('passwordpassword1');
  await page.getByText('easy to guess', { exact: false }).first().waitFor();
  const asked = page.waitForRequest((request) => request.url().endsWith('/password/strength'));
  await field.pressSequentially(STRONG, { delay: 5 });
  await field.fill(STRONG);
  await page.locator('.strength .word').getByText('Strong', { exact: true }).waitFor();
  equal((await asked).method(), 'POST', 'a password is not in an address');
  equal(await meter.evaluate((it) => it.value), 4, 'value of the meter');
  check((await page.locator('[role="status"].unseen').innerText()).startsWith('Strong.'), 'it was not said aloud');
  await look(page, 'strength-strong');
  await field.fill('');
  await meter.waitFor({ state: 'hidden' });

  // Without an answer there is no meter, and the form goes on working.
  await context.route('**/password/strength', (route) => route.abort());
  await field.fill(STRONG);
  await page.waitForRequest((request) => request.url().endsWith('/password/strength'));
  check(!(await meter.isVisible()), 'a meter without an answer');
  await button(page, 'Create account').click();
  await page.getByLabel('Code').waitFor();
  // A password that is asked for, not chosen, has no meter.
  await page.goto(`${world.issuer}/sign-in`);
  await page.getByLabel('Email address').fill(world.person.email);
  await button(page, 'Continue').click();
  await page.getByLabel('Password').waitFor();
  equal(await page.locator('.strength').count(), 0, 'meters at the sign-in');
}

/** A form is sent once, however often the button is pressed; back again it can be sent anew. */
async function once({ page, context }) {
  await page.goto(`${world.issuer}/sign-in`);
  await page.getByLabel('Email address').fill(world.person.email);
  let sent = 0;
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await context.route('**/sign-in', async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    sent += 1;
    await held;
    return route.continue();
  });
  const submit = button(page, 'Continue');
  // In one go: Chromium takes no questions about a page while the next one is on its way.
  const [isBusy, name] = await submit.evaluate((it) => {
    it.click();
    const busy = it.getAttribute('aria-busy');
    it.click();
    it.click();
    return [busy, it.innerText];
  });
  equal(isBusy, 'true', 'aria-busy of a button that was pressed');
  equal(name, 'Continue', 'the name of a busy button');
  release();
  await page.getByLabel('Password').waitFor();
  equal(sent, 1, 'times that the form was sent');
  await context.unroute('**/sign-in');

  await page.goBack();
  await submit.waitFor();
  equal(await page.locator('[aria-busy]').count(), 0, 'busy buttons after going back');
  await page.getByLabel('Email address').fill(world.person.email);
  await submit.click();
  await page.getByLabel('Password').waitFor();
}

/** Name, logo, colours, corners and font reach every page, in both schemes. */
async function ownLook({ page }) {
  await page.goto(authorizationUrl(world.web));
  await page.getByRole('img', { name: 'Łódź Trams' }).waitFor();
  const shown = await page.getByRole('img', { name: 'Łódź Trams' }).evaluate((it) => it.naturalWidth);
  equal(shown, 120, 'width of the logo that was loaded');
  check((await page.title()).endsWith('Łódź Trams'), `title ${await page.title()}`);
  const of = (selector, property) => page.locator(selector).first().evaluate((it, name) => getComputedStyle(it)[name], property);
  equal(await of('main button', 'backgroundColor'), 'rgb(255, 204, 0)', 'colour of a button');
  equal(await of('main button', 'color'), 'rgb(0, 0, 0)', 'colour of its text');
  equal(await of('main button', 'borderTopLeftRadius'), '2px', 'corner of a button');
  check((await of('body', 'fontFamily')).startsWith('Charter'), 'font');
  await look(page, 'themed-sign-in');
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByText('By creating an account you agree to the terms of service.').waitFor();
  await look(page, 'themed-sign-up');
  await page.goBack();
  await signIn(page, world.person);
  check((await arrived(page, world.web.redirectUri)).get('code'), 'no code after the sign-in');
  await page.goto(`${world.issuer}/`);
  await look(page, 'themed-home');
}

/** At twice the size of text, in forced colours, and on paper, nothing is lost. */
async function zoomed({ page }) {
  await page.goto(`${world.issuer}/sign-up`);
  // 1280 pixels at 400 % are 320 (WCAG 2.2, success criterion 1.4.10); text alone at 200 % is criterion 1.4.4.
  await page.setViewportSize({ width: 640, height: 800 });
  await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
  await page.evaluate(() => document.querySelector('main button[type="submit"]').scrollIntoView());
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  check(wide <= window, `at 200 % the page scrolls sideways: ${wide} of ${window} pixels`);
  await page.emulateMedia({ forcedColors: 'active' });
  const edge = await page.locator('main button[type="submit"]').first().evaluate((it) => getComputedStyle(it).borderTopWidth);
  check(parseFloat(edge) >= 1, 'a button without an edge in forced colours');
  await page.emulateMedia({ forcedColors: 'none', media: 'print' });
  check(!(await page.locator('.skip').isVisible()), 'a link to skip to the content, on paper');
}
