// An invitation is accepted here. Its text comes behind the `#` of the link, which no server is sent; while its reader
// signs in elsewhere it waits in this tab alone.

import { TEXTS } from '/page/join-texts.js';

const KEPT = 'countersign:language';
const WAITING = 'countersign:invitation';
const INVITATION = /^csin_[0-9A-Za-z_-]{43}$/;
const ACCEPT = `mutation Join($input: AcceptInvitationInput!) {
  acceptInvitation(input: $input) {
    membership { roles organization { displayName } }
    errors { ... on UserError { message } }
  }
}`;
const at = (id) => document.getElementById(id);

let language = 'en';
let said = { key: 'looking' };
let providers = [];

function preferred() {
  const asked = new URLSearchParams(location.search).get('lang') ?? localStorage.getItem(KEPT);
  return asked in TEXTS ? asked : (navigator.language ?? '').startsWith('ru') ? 'ru' : 'en';
}

function render() {
  document.documentElement.lang = language;
  for (const place of document.querySelectorAll('[data-text]')) {
    place.textContent = TEXTS[language][place.dataset.text];
  }
  for (const button of document.querySelectorAll('[data-language]')) {
    button.setAttribute('aria-pressed', String(button.dataset.language === language));
  }
  at('said').textContent = [TEXTS[language][said.key], said.more].filter(Boolean).join(' ');
  at('join').hidden = said.key !== 'ready';
  at('ways').hidden = said.key !== 'signIn';
  at('ways').replaceChildren(
    ...providers.map(({ name, label }) => {
      const link = document.createElement('a');
      link.href = `/auth/sign-in/${encodeURIComponent(name)}?to=/join`;
      link.textContent = `${TEXTS[language].with} ${label}`;
      return link;
    }),
  );
}

function say(key, more = '') {
  said = { key, more };
  render();
}

function invitation() {
  const given = location.hash.slice(1);
  if (INVITATION.test(given)) {
    sessionStorage.setItem(WAITING, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(WAITING);
}

async function look() {
  if (invitation() === null) {
    say('none');
    return;
  }
  const answer = await fetch('/auth/me', { headers: { 'x-countersign': '1' } });
  const me = answer.ok ? await answer.json() : { signedIn: false, providers: [] };
  providers = me.providers ?? [];
  say(me.signedIn ? 'ready' : 'signIn');
}

async function join() {
  const text = invitation();
  at('join').hidden = true;
  const answer = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', 'x-countersign': '1' },
    body: JSON.stringify({
      query: ACCEPT,
      variables: { input: { invitation: text, idempotencyKey: crypto.randomUUID() } },
    }),
  });
  const { data, errors } = await answer.json();
  const done = data?.acceptInvitation;
  if (done?.membership) {
    sessionStorage.removeItem(WAITING);
    say('joined', done.membership.organization.displayName);
  } else {
    say('refused', (done?.errors ?? errors ?? [])[0]?.message);
  }
}

function guarded(work) {
  return () => work().catch(() => say('away'));
}

for (const button of document.querySelectorAll('[data-language]')) {
  button.addEventListener('click', () => {
    language = button.dataset.language;
    localStorage.setItem(KEPT, language);
    render();
  });
}
at('join').addEventListener('click', guarded(join));
addEventListener('hashchange', guarded(look));
language = preferred();
render();
guarded(look)();
