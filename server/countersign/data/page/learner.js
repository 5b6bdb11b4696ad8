// What is a learner's own: claim an award, allow and take back, see who looked, say where one lives.

import { ALLOW, CLAIM, LIVE_AT, ME, TEXTS_OF, WHO } from '/page/learner-queries.js';
import { TEXTS } from '/page/learner-texts.js';

const LANGUAGE = 'countersign:language';
const LINK = 'countersign:claim';
const at = (id) => document.getElementById(id);

let language = 'en';
let me = null; // the learner, once the account is one
let signedIn = false;
let texts = [];
let said = null; // [key, detail, bad]

const text = (key) => TEXTS[language][key];
const day = (moment) => new Intl.DateTimeFormat(language, { dateStyle: 'long' }).format(new Date(moment));

function made(tag, content, attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = content;
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  return element;
}

// The link leaves the address at once, so that it stands in no history; this window keeps it through the sign-in.
function keepLink() {
  const given = location.hash.slice(1);
  if (given) {
    sessionStorage.setItem(LINK, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  at('link').value = sessionStorage.getItem(LINK) ?? '';
}

async function ask(query, variables = {}, own = true) {
  const answer = await fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'x-countersign': '1',
      ...(own ? { 'x-countersign-organization': 'self' } : {}),
    },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) {
    throw Object.assign(new Error(errors[0].message), { code: errors[0].extensions?.code });
  }
  return data;
}

function say(key, detail = '', bad = false) {
  said = key && [key, detail, bad];
  at('said').textContent = said ? [text(key), detail].filter(Boolean).join(' ') : '';
  at('said').className = bad ? 'bad' : '';
}

async function change(query, field, input, own = true) {
  const data = await ask(query, { input: { ...input, idempotencyKey: crypto.randomUUID() } }, own);
  return data[field].errors[0] ?? null;
}

async function load() {
  const who = await (await fetch('/auth/me', { headers: { 'x-countersign': '1' } })).json();
  signedIn = who.signedIn;
  renderDoor(who.providers ?? []);
  texts = (await ask(TEXTS_OF, { language }, false)).consentTexts.filter((t) => t.inForce);
  me = null;
  if (signedIn && (await ask(WHO, {}, false)).viewer?.isLearner) {
    me = (await ask(ME)).viewer?.learner ?? null;
  }
  render();
}

function renderDoor(providers) {
  at('door').hidden = signedIn;
  at('claim').hidden = !signedIn;
  at('sign-out').hidden = !signedIn;
  const links = providers.map(({ name, label }) => {
    const item = document.createElement('li');
    item.append(made('a', `${text('signIn')} ${label}`, { href: `/auth/sign-in/${encodeURIComponent(name)}?to=/claim` }));
    return item;
  });
  at('providers').replaceChildren(...(links.length ? links : [made('li', text('noProviders'))]));
}

function render() {
  for (const id of ['awards', 'consents', 'seen', 'residence']) {
    at(id).hidden = me === null;
  }
  if (me === null) {
    return;
  }
  fill('award-list', me.awards.nodes.map(award));
  at('consent-list').replaceChildren(...texts.map(purpose));
  fill('history', me.consents.map(consent));
  fill('seen-list', me.seenBy.nodes.map((s) => made('li', `${day(s.viewedOn)}: ${s.organization.displayName}, ${text(s.purpose)}`)));
  at('country').value = me.country;
  at('region').value = me.region ?? '';
}

function fill(id, items) {
  at(id).replaceChildren(...(items.length ? items : [made('li', text('none'))]));
}

function award({ specVersion, school, earnedOn, url }) {
  const item = made('li', `${specVersion?.content.title ?? ''} ${specVersion?.semver ?? ''} · ${text('by')} ${school.displayName} · ${day(earnedOn)} · `);
  item.append(made('a', text('share'), { href: url }));
  return item;
}

function purpose({ purpose: name, version, title, body }) {
  const stands = me.consents.some((c) => c.purpose === name && c.stands);
  const box = document.createElement('details');
  box.dataset.purpose = name;
  box.append(made('summary', `${title}: ${text(stands ? 'allowed' : 'notAllowed')}`));
  box.append(...body.split('\n\n').map((paragraph) => made('p', paragraph)));
  if (name === 'CONTACT_BY') {
    box.append(made('p', text('contactHint')));
    return box;
  }
  const button = made('button', text(stands ? 'takeBack' : 'allow'), { type: 'button' });
  button.addEventListener('click', () => set({ purpose: name, granted: !stands, textVersion: version, language }));
  box.append(button);
  return box;
}

function consent({ purpose: name, organization, method, grantedAt, withdrawnAt, receipt }) {
  const title = texts.find((t) => t.purpose === name)?.title ?? name;
  const parts = [organization ? `${title}: ${organization.displayName}` : title, `${text('given')} ${day(grantedAt)}`];
  if (method === 'FILE') {
    parts.push(text('byFile'));
  }
  if (withdrawnAt) {
    parts.push(`${text('ended')} ${day(withdrawnAt)}`);
  }
  const item = made('li', `${parts.join(' · ')} · `);
  const href = `data:application/json;charset=utf-8,${encodeURIComponent(receipt)}`;
  item.append(made('a', text('receipt'), { href, download: `consent-${JSON.parse(receipt).id}.json` }));
  return item;
}

async function set(input) {
  await tried(async () => {
    const refused = await change(ALLOW, 'setConsent', input);
    refused ? say('refused', refused.message, true) : say('saved');
    await load();
    document.querySelector(`[data-purpose="${input.purpose}"]`).open = true;
  });
}

async function tried(work) {
  try {
    await work();
  } catch (error) {
    error.code ? say('refused', error.message, true) : say('away', '', true);
  }
}

at('claim-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const link = at('link').value.trim();
  tried(async () => {
    const input = { link: link.slice(link.indexOf('#') + 1), answer: at('answer').value };
    const refused = await change(CLAIM, 'claimAward', input, false);
    at('answer').value = '';
    if (refused) {
      const key = { NOT_FOUND: 'claimFailed', CONFLICT: 'heldByAnother' }[refused.code];
      key ? say(key, '', true) : say('refused', refused.message, true);
      return;
    }
    sessionStorage.removeItem(LINK);
    at('link').value = '';
    say('claimed');
    await load();
  });
});

at('residence-form').addEventListener('submit', (event) => {
  event.preventDefault();
  tried(async () => {
    const refused = await change(LIVE_AT, 'correctResidence', { country: at('country').value, region: at('region').value || null });
    refused ? say('refused', refused.message, true) : say('saved');
    await load();
  });
});

at('sign-out').addEventListener('click', () =>
  tried(async () => {
    await fetch('/auth/sign-out', { method: 'POST', headers: { 'x-countersign': '1' } });
    say(null);
    await load();
  }),
);

function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  document.title = `${text('tab')} · Countersign`;
  for (const place of document.querySelectorAll('[data-text]')) {
    place.textContent = text(place.dataset.text);
  }
  for (const button of document.querySelectorAll('[data-language]')) {
    button.setAttribute('aria-pressed', String(button.dataset.language === chosen));
  }
  if (said) {
    say(...said);
  }
  return tried(load);
}

for (const button of document.querySelectorAll('[data-language]')) {
  button.addEventListener('click', () => {
    localStorage.setItem(LANGUAGE, button.dataset.language);
    speak(button.dataset.language);
  });
}

const asked = new URLSearchParams(location.search).get('lang') ?? localStorage.getItem(LANGUAGE);
keepLink();
addEventListener('hashchange', keepLink);
speak(asked in TEXTS ? asked : (navigator.language ?? '').startsWith('ru') ? 'ru' : 'en');
