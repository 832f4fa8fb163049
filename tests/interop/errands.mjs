// A person's browser that the Rust side leads: it opens the addresses that it is told, signs in where it is asked to, and
// says where it ended.

import { arrived, ask, button, nothingWrong, person, signIn, story, world } from '../browser/chromium.mjs';

await story(async (browser) => {
  const somebody = await person(browser);
  const { page } = somebody;
  let ended = null;
  for (;;) {
    const { open, task } = await ask({ ended });
    if (!open) break;
    await page.goto(open);
    if (task === 'sign in') await signIn(page, world.person);
    if (task === 'confirm sign-out' && page.url().startsWith(world.issuer)) await button(page, 'Sign out').click();
    await arrived(page, world.landing);
    ended = page.url();
  }
  nothingWrong(somebody);
});
