// What the scripts of tests/browser and tests/interop share: a real Chromium, its complaints, and what a person does.

import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** What the Rust side of the test told this script. */
export const world = JSON.parse(process.env.WORLD ?? '{}');

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Asks the Rust side for something that only it can do, and waits for the answer. */
export async function ask(question) {
  process.stdout.write(`? ${JSON.stringify(question)}\n`);
  const { value, done } = await answers.next();
  if (done) throw new Error('the test ended before it answered');
  return JSON.parse(value);
}

/** Runs a story with a Chromium of its own, and ends this script with its outcome. */
export async function story(tell) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  let failure;
  try {
    await tell(browser);
  } catch (error) {
    failure = error;
    for (const page of browser.contexts().flatMap((context) => context.pages())) {
      const text = await page.locator('body').innerText({ timeout: 1000 }).catch(() => '(nothing)');
      console.error(`at ${page.url()}:\n${text.slice(0, 2000)}\n`);
    }
  }
  await browser.close();
  if (failure) {
    console.error(failure);
    process.exit(1);
  }
  process.exit(0);
}

/** Somebody's browser: cookies of its own, and every complaint of Chromium noted. */
export async function person(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(20_000);
  const complaints = [];
  context.on('page', (page) => watch(page, complaints));
  return { context, complaints, page: await context.newPage() };
}

function watch(page, complaints) {
  page.on('console', (message) => {
    // Pages that say what went wrong are served with 4xx, which Chromium logs too.
    const isStatus = message.text().startsWith('Failed to load resource');
    if (['error', 'warning'].includes(message.type()) && !isStatus) {
      complaints.push(`${page.url()}: ${message.text()}`);
    }
  });
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error}`));
  page.on('response', (response) => {
    if (response.status() >= 500 || (response.status() >= 400 && !response.request().isNavigationRequest())) {
      complaints.push(`${page.url()}: ${response.status()} for ${response.url()}`);
    }
  });
}

/** Chromium had nothing to complain about: no violation of a content security policy, no missing file. */
export function nothingWrong({ complaints }) {
  if (complaints.length > 0) throw new Error(`Chromium complains:\n${complaints.join('\n')}`);
}

export function check(holds, text) {
  if (!holds) throw new Error(text);
}

export function equal(actual, expected, what) {
  check(actual === expected, `${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

/** Looks at a page as it stands: axe, in light on a small screen and in dark on a wide one; nothing scrolls sideways. */
export async function look(page, name) {
  await page.waitForLoadState('load');
  const before = page.viewportSize();
  await page.evaluate(axeSource);
  for (const [width, height, size] of [[320, 640, 'narrow'], [1280, 800, 'wide']]) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ['light', 'dark']) {
      const isAudited = (size === 'narrow') === (colorScheme === 'light');
      if (!isAudited && !process.env.SCREENSHOTS_TO) continue;
      await page.emulateMedia({ colorScheme });
      // A colour on its way from one scheme to the other is neither.
      await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
      if (isAudited) await audit(page, `${name}, ${size}, ${colorScheme}`);
      await picture(page, `${name}-${size}-${colorScheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(before);
}

/** Words that stand on every English page and in no Polish one. */
const ENGLISH = /\b(the|your|you|sign|enter|please|account|password|address|secured|again)\b/i;

/** The page is Polish from head to foot. */
export async function inPolish(page, name) {
  await page.waitForLoadState('load');
  equal(await page.locator('html').getAttribute('lang'), 'pl', `language of ${name}`);
  // The detail of a refused request is the developer's; other languages are named in themselves; what is marked as English
  // may be.
  const marked = await page.locator('body [lang="en"]:not(button)').allInnerTexts();
  const whole = await page.locator('body').innerText();
  const text = marked.reduce((rest, part) => rest.replace(part, ''), whole);
  const detail = /https?:\/\/\S+|\S+@example\.test|[a-z_]+ (names no client|is not one that the client registered)/g;
  const rest = text.replaceAll(detail, '');
  check(!ENGLISH.test(rest), `English on ${name}: ${rest.match(ENGLISH)?.[0]} in\n${text}`);
  check(!ENGLISH.test(await page.title()), `English in the title of ${name}`);
}

/** The chapters of one walk: in either language, with scripts and without. The walk's `see` judges a page as it stands. */
export function fourWays(walk) {
  const english = { locale: 'en-GB' };
  const polish = { locale: 'pl-PL' };
  const withoutScripts = { javaScriptEnabled: false };
  const lookInPolish = async (page, name) => {
    await inPolish(page, name);
    await look(page, `pl-${name}`);
  };
  return {
    english: (browser) => walk(browser, english, look),
    polish: (browser) => walk(browser, polish, lookInPolish),
    // axe is a script itself.
    withoutScripts: (browser) => walk(browser, { ...english, ...withoutScripts }, async () => {}),
    polishWithoutScripts: (browser) => walk(browser, { ...polish, ...withoutScripts }, inPolish),
  };
}

async function audit(page, what) {
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `    ${node.html}\n    ${node.failureSummary}`).join('\n')}`);
  });
  check(found.length === 0, `axe on ${what} (${page.url()}):\n${found.join('\n')}`);
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  check(wide <= window, `${what} scrolls sideways: ${wide} of ${window} pixels`);
}

async function picture(page, name) {
  const folder = process.env.SCREENSHOTS_TO;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

export const heading = (page) => page.getByRole('heading', { level: 1 }).innerText();

export const button = (page, name) => page.getByRole('button', { name, exact: true });

/** Signs in at the page that asks for the email address. */
export async function signIn(page, { email, password }) {
  await page.getByLabel('Email address').fill(email);
  await button(page, 'Continue').click();
  await page.getByLabel('Password').fill(password);
  await button(page, 'Sign in').click();
}

/** The same whatever the language of the page is. */
export async function signInByName(page, { email, password }) {
  await page.locator('#email').fill(email);
  await send(page, '/sign-in');
  await page.locator('#password').fill(password);
  await send(page, '/sign-in/password');
}

/** Presses the button of the form that goes to this path; of the first one, where a list has many. */
export async function send(page, path) {
  const forms = page.locator(`form[action="${path}"], form[action^="${path}?"]`);
  await forms.first().locator('button[type="submit"]').first().click();
}

/** Makes an account, from the page that asks for address and password; the code comes by mail. */
export async function signUp(page, { email, password }) {
  await page.getByLabel('Email address').fill(email);
  await page.getByLabel('Password').fill(password);
  await button(page, 'Create account').click();
  await page.getByLabel('Code').fill(await mailedCode(email));
  await button(page, 'Confirm').click();
}

/** The code in the newest mail to this address. */
export async function mailedCode(email) {
  const answer = await fetch(`${world.issuer}/dev/mailbox.json`);
  const mails = await answer.json();
  const mail = mails.find(({ to }) => to === email);
  check(mail?.code, `no mail with a code for ${email} among ${mails.length}`);
  return mail.code;
}

/** Waits until the browser is back at the relying party, and gives the answer's parameters. */
export async function arrived(page, redirectUri) {
  await page.waitForURL((url) => url.href.startsWith(redirectUri));
  return new URL(page.url()).searchParams;
}

/** RFC 7636, appendix B: the challenge whose verifier the tests know. */
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

/** An authorization request of one of the world's relying parties. */
export function authorizationUrl({ clientId, redirectUri }, more = {}) {
  const url = new URL(`${world.issuer}/oauth/authorize`);
  const parameters = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    state: 'a-state',
    nonce: 'a-nonce',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...more,
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}
