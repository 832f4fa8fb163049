// A device without a browser is answered in one: the code typed or followed, the question whose device it is, and what the person
// sees in the end; in English and in Polish, with scripts and without.

import { check, equal, fourWays, heading, nothingWrong, person, send, signInByName, story, world } from './chromium.mjs';

await story(async (browser) => {
  console.log(`chapter ${world.chapter}`);
  await fourWays(walk)[world.chapter](browser);
});

/** A form as the device sends it. */
async function post(path, fields) {
  const body = new URLSearchParams({ client_id: world.clientId, ...fields });
  const answer = await fetch(`${world.issuer}${path}`, { method: 'POST', body });
  return answer.json();
}

function ask() {
  return post('/oauth/device_authorization', { scope: 'openid email offline_access' });
}

function fetchTokens(device) {
  return post('/oauth/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: device.device_code,
  });
}

async function walk(browser, options, see) {
  const somebody = await person(browser, options);
  const { page } = somebody;
  const device = await ask();
  equal((await fetchTokens(device)).error, 'authorization_pending', 'before anybody answered');

  await page.goto(device.verification_uri);
  await see(page, 'device');
  await page.locator('#user_code').fill('BCDF-GHJA');
  await send(page, '/device');
  check(await page.locator('#user_code[aria-invalid="true"]').isVisible(), 'a code that can be none');
  await see(page, 'device-fault');

  // In small letters and without the hyphen, as people type.
  await page.locator('#user_code').fill(device.user_code.replace('-', '').toLowerCase());
  await send(page, '/device');
  check((await page.locator('main').innerText()).includes('Television'), 'whose device it is');
  check((await page.locator('main').innerText()).includes(device.user_code), 'the code, to be compared');
  await see(page, 'device-confirm');
  await page.locator('button[value="go_on"]').click();
  await signInByName(page, world.person);
  await page.waitForURL('**/consent?*');
  await see(page, 'device-consent');
  await send(page, '/consent');
  await page.waitForURL('**/device/done?*');
  const allowed = await heading(page);
  await see(page, 'device-approved');
  check((await fetchTokens(device)).access_token, 'tokens for the device');

  const other = await ask();
  await page.goto(other.verification_uri_complete);
  equal(await page.locator('#user_code').inputValue(), other.user_code, 'the code of the link');
  await send(page, '/device');
  await page.locator('button[value="deny"]').click();
  await page.waitForURL('**/device/done?*');
  check((await heading(page)) !== allowed, 'the device was refused');
  await see(page, 'device-denied');
  equal((await fetchTokens(other)).error, 'access_denied', 'after the person refused');
  nothingWrong(somebody);
}
