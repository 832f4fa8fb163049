// The ways of people who read Polish: sign-up, sign-in, consent, sign-out, what goes wrong, mails; and the switch.

import {
  arrived, ask, authorizationUrl, button, check, equal, heading, inPolish, look, mailedCode, nothingWrong, person, story, world,
} from './chromium.mjs';

const chapters = { polish, withoutScripts, mails, switched };

await story(async (browser) => {
  console.log(`chapter ${world.chapter}`);
  await chapters[world.chapter](browser);
});

async function polish(browser) {
  const somebody = await person(browser, { locale: 'pl-PL' });
  await walk(somebody.page, (name) => see(somebody.page, name, look));
  nothingWrong(somebody);
}

async function withoutScripts(browser) {
  const somebody = await person(browser, { locale: 'pl-PL', javaScriptEnabled: false });
  await walk(somebody.page, (name) => see(somebody.page, name, async () => {}));
  nothingWrong(somebody);
}

async function see(page, name, looked) {
  await inPolish(page, name);
  await looked(page, `pl-${name}`);
}

async function walk(page, seen) {
  const newcomer = { email: 'nowak@example.test', password: 'quiet lantern harbour moss' };
  await page.goto(`${world.issuer}/`);
  equal(await heading(page), 'Nie zalogowano', 'heading');
  await seen('home-signed-out');

  await page.goto(authorizationUrl(world.stranger));
  await seen('sign-in');
  await page.getByRole('link', { name: 'Załóż konto' }).click();
  await seen('sign-up');
  await page.getByLabel('Adres e-mail').fill('nowak');
  await page.getByLabel('Hasło').fill('krótkie');
  await button(page, 'Załóż konto').click();
  await page.getByText('Użyj co najmniej 15 znaków.').first().waitFor();
  await seen('sign-up-refused');
  await page.getByLabel('Adres e-mail').fill(newcomer.email);
  await page.getByLabel('Hasło').fill(newcomer.password);
  await button(page, 'Załóż konto').click();

  await page.getByLabel('Kod').waitFor();
  await seen('verify');
  // The clock stands still otherwise, and of two mails at one instant none is the newer one.
  await ask({ advance: 1 });
  await button(page, 'Wyślij inny kod').click();
  await page.getByText('Nowy kod jest w drodze.', { exact: false }).waitFor();
  const code = await mailedCode(newcomer.email);
  await page.getByLabel('Kod').fill(code === '000000' ? '111111' : '000000');
  await button(page, 'Potwierdź').click();
  await page.getByText('Zostały jeszcze 4 próby.', { exact: false }).first().waitFor();
  await seen('verify-refused');
  await page.getByLabel('Kod').fill(code);
  await button(page, 'Potwierdź').click();

  await button(page, 'Zezwól').waitFor();
  await seen('consent');
  await button(page, 'Zezwól').click();
  check((await arrived(page, world.stranger.redirectUri)).get('code'), 'no code after the sign-up');

  await page.goto(`${world.issuer}/`);
  equal(await heading(page), 'Zalogowano', 'heading');
  const since = await page.locator('.accounts small').first().innerText();
  check(/^Zalogowano \d{1,2} [a-zźń]+ \d{4}, \d\d:\d\d UTC$/.test(since), `not a Polish date: ${since}`);
  await seen('home-signed-in');
  await page.goto(`${world.issuer}/account/language`);
  await seen('account-language');
  await button(page, 'Zapisz').click();
  await page.getByText('Zapisaliśmy Twój język.').waitFor();
  await page.goto(authorizationUrl(world.web, { prompt: 'select_account' }));
  await seen('select-account');

  await page.goto(`${world.issuer}/oauth/end_session`);
  await seen('end-session');
  await button(page, 'Wyloguj się').click();
  await page.getByRole('heading', { name: 'Wylogowano' }).waitFor();
  await seen('signed-out');

  await page.goto(authorizationUrl(world.web));
  await page.getByLabel('Adres e-mail').fill(newcomer.email);
  await button(page, 'Dalej').click();
  await page.getByLabel('Hasło').waitFor();
  await seen('sign-in-password');
  const attempt = page.url();
  await page.getByLabel('Hasło').fill('na pewno nie to');
  await button(page, 'Zaloguj się').click();
  await page.getByText('się nie zgadza', { exact: false }).first().waitFor();
  await seen('sign-in-refused');
  await page.getByLabel('Hasło').fill(newcomer.password);
  await button(page, 'Zaloguj się').click();
  check((await arrived(page, world.web.redirectUri)).get('code'), 'no code after the sign-in');
  await page.goto(attempt);
  equal(await heading(page), 'Ta strona jest nieaktualna', 'heading');
  await seen('error-stale');
  await page.goto(`${world.issuer}/sign-out`);
  await seen('sign-out');

  for (const [name, address] of [
    ['error-client', authorizationUrl({ ...world.web, clientId: 'cli_unknown' })],
    ['error-redirect', authorizationUrl({ ...world.web, redirectUri: 'https://elsewhere.example/' })],
    ['error-page', `${world.issuer}/no-such-page`],
    ['error-flow-shape', `${world.issuer}/sign-in?flow=x`],
  ]) {
    await page.goto(address);
    await seen(name);
  }

  await page.goto(`${world.issuer}/dev/mailbox`);
  await seen('mailbox');
  await page.getByRole('link', { name: 'Zobacz ją tak jak w programie pocztowym' }).first().click();
  await page.getByText('Twój kod do Portico').first().waitFor();
  equal(await page.locator('html').getAttribute('lang'), 'pl', 'language of the mail');
}

/** Mails as pages: in a sandbox axe couldn't run, so they are looked at outside of it. */
async function mails(browser) {
  const somebody = await person(browser, { locale: 'pl-PL' });
  const { page } = somebody;
  for (const email of ['nowak@example.test', world.person.email]) {
    await page.goto(`${world.issuer}/sign-up`);
    await page.getByLabel('Adres e-mail').fill(email);
    await page.getByLabel('Hasło').fill('quiet lantern harbour moss');
    await button(page, 'Załóż konto').click();
    await page.getByLabel('Kod').waitFor();
    const written = await (await fetch(`${world.issuer}/dev/mailbox.json`)).json();
    const { html } = written.find(({ to }) => to === email);
    const reader = await somebody.context.newPage();
    await reader.setContent(html);
    await see(reader, `mail-${email === world.person.email ? 'taken' : 'code'}`, look);
  }
  nothingWrong(somebody);
}

/** The switch: there and back, on a page of a flow and on one that answered a form; and `ui_locales`. */
async function switched(browser) {
  const somebody = await person(browser, { locale: 'en-GB' });
  const { page } = somebody;
  await page.goto(authorizationUrl(world.web, { ui_locales: 'pl' }));
  equal(await heading(page), 'Zaloguj się', 'heading in the language of ui_locales');
  await button(page, 'English').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  check(page.url().includes('/sign-in?flow='), `left the page for ${page.url()}`);
  equal(await button(page, 'English').getAttribute('aria-current'), 'true', 'the language that is shown');
  await page.getByLabel('Email address').fill('ada');
  await button(page, 'Continue').click();
  await page.getByText('Enter an email address like', { exact: false }).first().waitFor();
  await button(page, 'Polski').click();
  await page.getByRole('heading', { name: 'Zaloguj się' }).waitFor();
  await page.getByLabel('Adres e-mail').fill(world.person.email);
  await button(page, 'Dalej').click();
  await page.getByLabel('Hasło').fill(world.person.password);
  await button(page, 'Zaloguj się').click();
  check((await arrived(page, world.web.redirectUri)).get('code'), 'the flow did not outlive the switch');
  nothingWrong(somebody);
}
