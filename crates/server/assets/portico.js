// What a page can do better with a script. Every page works without; nothing here decides anything.
(() => {
  'use strict';

  const said = document.currentScript.dataset;

  /** Says something to those who hear the page, when nothing else is being said. */
  const live = document.createElement('p');
  live.className = 'unseen';
  live.setAttribute('role', 'status');
  document.body.append(live);
  const say = (text) => { live.textContent = text; };

  // --- Passwords that can be looked at ---

  function letPeek(input) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'peek';
    if (input.id) button.setAttribute('aria-controls', input.id);
    // What is seen is short; what is heard says what it is about.
    const word = document.createElement('span');
    word.setAttribute('aria-hidden', 'true');
    const name = document.createElement('span');
    name.className = 'unseen';
    button.append(word, name);
    const show = (isShown) => {
      input.type = isShown ? 'text' : 'password';
      word.textContent = isShown ? said.hide : said.show;
      name.textContent = isShown ? said.hideName : said.showName;
      button.setAttribute('aria-pressed', String(isShown));
    };
    show(false);
    input.autocapitalize = 'none';
    input.spellcheck = false;
    input.classList.add('peekable');
    button.addEventListener('click', () => {
      const { selectionStart, selectionEnd } = input;
      show(input.type === 'password');
      input.focus();
      input.setSelectionRange(selectionStart, selectionEnd);
    });
    input.after(button);
    // A password is sent, and kept by the browser's history, as a password only.
    input.form?.addEventListener('submit', () => show(false));
    addEventListener('pagehide', () => show(false));
    return button;
  }

  // --- How strong a new password is ---

  const PAUSE_MS = 350;
  const MOST_CHARACTERS = 1024;

  function measure(input, after) {
    const token = input.form?.elements.namedItem('form_token');
    if (!token || !said.strength) return;
    const meter = document.createElement('meter');
    Object.assign(meter, { min: 0, max: 4, low: 1.5, high: 2.5, optimum: 4, value: 0 });
    meter.setAttribute('aria-label', said.strengthName);
    const word = document.createElement('span');
    word.className = 'word';
    const advice = document.createElement('p');
    advice.className = 'advice';
    const box = document.createElement('div');
    box.className = 'strength';
    box.hidden = true;
    box.append(meter, word, advice);
    after.after(box);

    let timer;
    let asking;
    const ask = async () => {
      asking?.abort();
      asking = new AbortController();
      const body = new URLSearchParams({ form_token: token.value, password: input.value });
      const email = input.form.elements.namedItem('email') ?? input.form.elements.namedItem('username');
      if (email?.value) body.set('email', email.value);
      try {
        const answer = await fetch(said.strength, { method: 'POST', body, signal: asking.signal, headers: { accept: 'application/json' } });
        if (!answer.ok) throw new Error(String(answer.status));
        const { score, label, text } = await answer.json();
        meter.value = score;
        meter.textContent = label;
        word.textContent = label;
        advice.textContent = text;
        box.hidden = false;
        say(`${label}. ${text}`);
      } catch (error) {
        // No meter is better than a wrong one; the form says what is wrong in any case.
        if (error.name !== 'AbortError') box.hidden = true;
      }
    };
    input.addEventListener('input', () => {
      clearTimeout(timer);
      const isEmpty = input.value === '' || input.value.length > MOST_CHARACTERS;
      if (isEmpty) {
        asking?.abort();
        box.hidden = true;
        return;
      }
      timer = setTimeout(ask, PAUSE_MS);
    });
  }

  for (const input of document.querySelectorAll('input[type="password"]')) {
    const button = letPeek(input);
    if (input.autocomplete === 'new-password') measure(input, button);
  }

  // --- A form is sent once ---

  const PATIENCE_MS = 10_000;
  const busy = new Map();

  function release(form) {
    clearTimeout(busy.get(form));
    busy.delete(form);
    for (const button of form.querySelectorAll('[aria-busy]')) button.removeAttribute('aria-busy');
  }

  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (busy.has(form)) {
      event.preventDefault();
      return;
    }
    // Not disabled: what the button says is a part of the form. If no page follows (a download, a lost connection), the form
    // may be sent again after a while.
    event.submitter?.setAttribute('aria-busy', 'true');
    busy.set(form, setTimeout(() => release(form), PATIENCE_MS));
    say(said.busy);
  });

  // Back again, with the page as it was left.
  addEventListener('pageshow', () => {
    for (const form of [...busy.keys()]) release(form);
    say('');
  });

  // --- Copying ---

  for (const button of document.querySelectorAll('button.copy[data-copy]')) {
    const source = document.querySelector(button.dataset.copy);
    if (!source || !navigator.clipboard) continue;
    const name = button.textContent;
    button.hidden = false;
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText((source.value ?? source.textContent).trim());
      } catch {
        getSelection().selectAllChildren(source);
        return;
      }
      button.textContent = said.copied;
      say(said.copied);
      setTimeout(() => { button.textContent = name; }, 2_000);
    });
  }

  // --- The place in a strip of links that is wider than the screen; a menu that closes when one leaves it ---

  const here = document.querySelector('.sidenav [aria-current="page"]');
  const strip = here?.closest('ul');
  if (strip && strip.scrollWidth > strip.clientWidth) strip.scrollLeft = here.offsetLeft - strip.offsetLeft - 24;

  for (const menu of document.querySelectorAll('details.switcher')) {
    menu.addEventListener('focusout', (event) => {
      if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
    });
    menu.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !menu.open) return;
      menu.open = false;
      menu.querySelector('summary').focus();
    });
    document.addEventListener('click', (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  }

  // --- A page that shows others' pages, out of sight: it moves on by itself once they have loaded, and by this when they don't ---

  const WAIT_MS = 4_000;
  const onward = document.querySelector('a[data-onward]');
  if (onward) setTimeout(() => location.replace(onward.href), WAIT_MS);
})();
