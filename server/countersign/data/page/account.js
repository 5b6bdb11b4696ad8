// Who is signed in, with whom one may sign in, and the way out. The session is a cookie that no script reads.

import { PLACES } from '/page/queries.js';

const OURS = { 'x-countersign': '1' };
const at = (id) => document.getElementById(id);

let me = { signedIn: false, providers: [] };
let places = [];

export async function look() {
  const answer = await fetch('/auth/me', { headers: OURS });
  me = answer.ok ? await answer.json() : { signedIn: false, providers: [] };
  places = me.signedIn ? await memberships() : [];
}

async function memberships() {
  const answer = await fetch('/graphql', {
    method: 'POST',
    headers: { ...OURS, 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: PLACES }),
  });
  const { data } = await answer.json();
  return data?.viewer?.memberships ?? [];
}

export function show(text, language) {
  at('account').hidden = !me.signedIn && me.providers.length === 0;
  const until = me.signedIn ? new Date(me.endsAt).toLocaleTimeString(language === 'en' ? 'en-GB' : language) : '';
  at('account-state').textContent = me.signedIn
    ? `${text('signedIn')} ${me.provider ?? text('oneTimeLink')}. ${text('until')} ${until}.`
    : text('signedOut');
  at('account-places').replaceChildren(...places.map(place));
  at('account-doors').replaceChildren(...(me.signedIn ? exits(text) : me.providers.map((one) => door(one, text))));
}

function place({ organization, roles }) {
  const item = document.createElement('li');
  item.textContent = `${organization.displayName}: ${roles.join(', ').toLowerCase().replaceAll('_', ' ')}`;
  return item;
}

function door({ name, label }, text) {
  const link = document.createElement('a');
  link.href = `/auth/sign-in/${name}?to=/`;
  link.textContent = `${text('signInWith')} ${label}`;
  return link;
}

function exits(text) {
  return [
    exit('sign-out', text('signOut')),
    exit('sign-out-everywhere', text('signOutEverywhere')),
  ];
}

function exit(where, words) {
  const button = document.createElement('button');
  button.type = 'button';
  button.id = where;
  button.textContent = words;
  button.addEventListener('click', async () => {
    await fetch(`/auth/${where}`, { method: 'POST', headers: OURS });
    location.assign('/');
  });
  return button;
}
