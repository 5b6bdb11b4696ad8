// The page: texts in two languages, and numbers that all come from the API.

import { look, show } from '/page/account.js';
import { FOUND, PAGE } from '/page/queries.js';
import { TEXTS } from '/page/texts.js';

const KEPT = 'countersign:language';
const EVERY = 5000;
const at = (id) => document.getElementById(id);

let language = 'en';
let roles = {};
let shown = null; // the latest answer
let told = ''; // what was announced last

function text(key) {
  return TEXTS[language][key];
}

function preferred() {
  const asked = new URLSearchParams(location.search).get('lang') ?? localStorage.getItem(KEPT);
  return asked in TEXTS ? asked : (navigator.language ?? '').startsWith('ru') ? 'ru' : 'en';
}

function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  for (const place of document.querySelectorAll('[data-text]')) {
    place.textContent = text(place.dataset.text);
  }
  for (const button of document.querySelectorAll('[data-language]')) {
    button.setAttribute('aria-pressed', String(button.dataset.language === chosen));
  }
  render();
}

async function ask(query, variables = {}, token = '') {
  const answer = await fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'x-countersign': '1', // without it the cookie of a session is refused
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) {
    throw new Error(errors[0].message);
  }
  return data;
}

async function refresh() {
  try {
    const page = await ask(PAGE);
    shown = { page, ...(await graduatesOf(page.stack)), at: new Date() };
    render();
  } catch {
    at('live').textContent = text('away');
  }
}

async function graduatesOf(stack) {
  const token = roles.recruiter?.token;
  if (!stack || !token) {
    return { asked: false };
  }
  const found = await ask(FOUND, { stack: stack.id }, token);
  return { asked: true, graduates: found.searchCandidates.totalCount };
}

function render() {
  for (const place of document.querySelectorAll('[data-role]')) {
    place.textContent = roles[place.dataset.role]?.organization ?? '';
  }
  show(text, language);
  if (!shown) {
    return;
  }
  const number = new Intl.NumberFormat(language);
  const { page, graduates, asked } = shown;
  at('count-versions').textContent = number.format(page.credentialSpecs.totalCount);
  at('count-endorsements').textContent = number.format(page.endorsements.totalCount);
  at('graduates').hidden = !asked;
  if (asked) {
    at('count-graduates').textContent = graduates === null ? text('fewer') : `${number.format(graduates)}+`;
    at('stack').textContent = page.stack.title;
  }
  at('live').textContent = `${text('live')} ${shown.at.toLocaleTimeString(language === 'en' ? 'en-GB' : language)}`;
  blocks(page.credentialSpecs.nodes);
  announce();
}

function announce() {
  const news = [...document.querySelectorAll('.counts > :not([hidden])')].map((pair) => pair.innerText).join('; ');
  if (told && told !== news) {
    at('news').textContent = news;
  }
  told = news;
}

function blocks(specs) {
  const list = at('block-list');
  list.replaceChildren(...[...specs].sort(byTrust).map(block));
  at('block-note').textContent = specs.length ? '' : text('noBlocks');
}

function byTrust(one, other) {
  return standing(other) - standing(one) || one.title.localeCompare(other.title, language);
}

function standing(spec) {
  const version = spec.currentVersion;
  return version.endorsements.nodes.length + (version.coValidated ? 100 : 0);
}

function block(spec) {
  const version = spec.currentVersion;
  const title = part('p', 'what', spec.title);
  title.lang = version.content.language;
  const from = part('p', 'from', '');
  from.append(named(part('span', '', spec.school.displayName)), ` · ${text('version')} ${version.semver}`);
  if (version.coValidated) {
    from.append(' ', part('span', 'co', `✓ ${text('coValidated')}`));
  }
  const what = part('div', '', '');
  what.append(title, from);
  const seals = part('ul', 'seals', '');
  const names = version.endorsements.nodes.map((endorsement) => endorsement.endorser.displayName);
  seals.append(...(names.length ? names.map((name) => named(part('li', '', name))) : [part('li', 'none', text('nobody'))]));
  const row = part('li', '', '');
  row.append(what, seals);
  return row;
}

// A name keeps its own language, so that a screen reader says it rightly.
function named(place) {
  place.lang = /[а-яё]/i.test(place.textContent) ? 'ru' : 'en';
  return place;
}

function part(kind, name, words) {
  const made = document.createElement(kind);
  if (name) {
    made.className = name;
  }
  made.textContent = words;
  return made;
}

async function signIns() {
  roles = await (await fetch('/demo/roles')).json();
  const demo = Object.keys(roles).length > 0; // elsewhere nobody is signed in by a click, and nothing is made up
  at('roles').hidden = !demo;
  at('truth').hidden = !demo;
}

// The page has the tokens already: a click needs no browser that says from where it comes (Fetch Metadata).
for (const link of document.querySelectorAll('#roles a[href^="/demo/"]')) {
  link.addEventListener('click', (event) => {
    const role = link.getAttribute('href').slice('/demo/'.length);
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (plain && role in roles) {
      event.preventDefault();
      location.assign(`/graphql?${new URLSearchParams({ role })}#${new URLSearchParams({ token: roles[role].token })}`);
    }
  });
}

for (const button of document.querySelectorAll('[data-language]')) {
  button.addEventListener('click', () => {
    localStorage.setItem(KEPT, button.dataset.language);
    speak(button.dataset.language);
  });
}

speak(preferred());
await Promise.all([signIns(), look()]);
render();
await refresh();
setInterval(() => document.hidden || refresh(), EVERY);
