// An outside expert reviews here, by the link alone. Its text comes behind the `#`, which no server is sent, and is kept
// in this tab; every request carries it as a token.

import { TEXTS } from '/page/review-texts.js';

const KEPT = 'countersign:language';
const WAITING = 'countersign:expert';
const LINK = /^csxr_[0-9A-Za-z_-]{43}$/;
const READ = `query Asked {
  rubric { code title question anchors }
  reviewRequests(first: 1) { nodes {
    id state dueOn veiled organization { displayName } viewerCan { decide } myDraft { id }
    content { title description outcomes { statement } assessment { description } toolchain { name version } }
    carried changesToReview { path before after } previousReview { scores { value criterion { code } } }
  } }
}`;
const SUBMIT = `mutation Submit($input: DecideReviewInput!) {
  decideReview(input: $input) { review { id } errors { ... on UserError { message path } } }
}`;
const at = (id) => document.getElementById(id);

let language = 'en';
let said = { key: 'looking' };
let asked = null;
let attempt = crypto.randomUUID();

function made(name, text, more = {}) {
  return Object.assign(document.createElement(name), { textContent: text }, more);
}

function preferred() {
  const wanted = new URLSearchParams(location.search).get('lang') ?? localStorage.getItem(KEPT);
  return wanted in TEXTS ? wanted : (navigator.language ?? '').startsWith('ru') ? 'ru' : 'en';
}

function choices(id, keys) {
  const chosen = at(id).value;
  at(id).replaceChildren(...keys.map((key) => made('option', TEXTS[language][key], { value: key })));
  at(id).value = keys.includes(chosen) ? chosen : keys[0];
}

function render() {
  const texts = TEXTS[language];
  document.documentElement.lang = language;
  for (const place of document.querySelectorAll('[data-text]')) place.textContent = texts[place.dataset.text];
  for (const button of document.querySelectorAll('[data-language]')) {
    button.setAttribute('aria-pressed', String(button.dataset.language === language));
  }
  for (const label of document.querySelectorAll('[data-evidence]')) label.textContent = texts.evidence;
  for (const option of document.querySelectorAll('option[value=""]')) {
    const { stands } = option.dataset;
    option.textContent = stands ? texts.stands.replace('{value}', stands) : texts.unscored;
  }
  choices('interest', ['NONE', 'DISCLOSED']);
  choices('recommendation', ['COMMENT', 'ENDORSE', 'REQUEST_CHANGES', 'DECLINE']);
  at('said').textContent = texts[said.key].replace(/\{(\w+)\}/g, (_, name) => said[name]);
  at('hidden').hidden = !(said.key === 'asks' && asked?.veiled);
  at('form').hidden = said.key !== 'asks';
  at('text').hidden = asked === null;
  at('changed').hidden = !asked?.changesToReview.length;
}

function say(key, more = {}) {
  said = { key, ...more };
  render();
}

function link() {
  const given = location.hash.slice(1);
  if (LINK.test(given)) {
    sessionStorage.setItem(WAITING, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(WAITING);
}

async function ask(query, variables) {
  const answer = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${link()}` },
    body: JSON.stringify({ query, variables }),
  });
  return answer.status === 401 ? null : answer.json();
}

function criterion({ code, title, question, anchors }, standing) {
  const box = made('fieldset', '');
  const evidence = made('label', '', { htmlFor: `evidence-${code}` });
  evidence.dataset.evidence = '';
  const score = made('select', '', { id: code });
  score.setAttribute('aria-label', `${code} ${title}`);
  const unscored = made('option', '', { value: '' });
  if (standing.has(code)) unscored.dataset.stands = standing.get(code);
  score.append(
    unscored,
    ...anchors.map((anchor, value) => made('option', `${value} · ${anchor}`, { value: String(value) })),
  );
  box.append(made('legend', `${code} ${title}`), made('p', question), score, evidence);
  box.append(made('input', '', { id: `evidence-${code}`, maxLength: 2000 }));
  box.dataset.criterion = code;
  return box;
}

async function look() {
  if (link() === null) return say('none');
  const answer = await ask(READ);
  asked = answer?.data?.reviewRequests.nodes[0] ?? null;
  if (asked === null) return say('ended');
  const { title, description, outcomes, assessment, toolchain } = asked.content;
  at('name').textContent = title;
  at('description').textContent = description;
  at('outcomes').replaceChildren(...outcomes.map(({ statement }) => made('li', statement)));
  at('assessment').textContent = assessment?.description ?? '';
  at('tools').replaceChildren(...toolchain.map(({ name, version }) => made('li', [name, version].join(' '))));
  const change = ({ path, before, after }) => made('li', `${path}: ${before ?? '∅'} → ${after ?? '∅'}`);
  at('changes').replaceChildren(...asked.changesToReview.map(change));
  const carried = asked.previousReview?.scores.filter(({ criterion: { code } }) => asked.carried?.includes(code)) ?? [];
  const standing = new Map(carried.map(({ value, criterion: { code } }) => [code, String(value)]));
  at('scores').replaceChildren(...answer.data.rubric.map((each) => criterion(each, standing)));
  if (!asked.viewerCan.decide) {
    return say(asked.state === 'DECIDED' ? 'done' : asked.myDraft ? 'begun' : 'over');
  }
  return say('asks', { organization: asked.organization.displayName, day: asked.dueOn });
}

async function submit() {
  const scores = [...document.querySelectorAll('[data-criterion]')]
    .map(({ dataset: { criterion: code } }) => ({ code, value: at(code).value }))
    .filter(({ value }) => value !== '')
    .map(({ code, value }) => ({ criterion: code, value: Number(value), evidence: at(`evidence-${code}`).value }));
  const review = {
    reviewRequestId: asked.id,
    interest: at('interest').value,
    declaration: at('declaration').value,
    scores,
    comment: at('comment').value,
    recommendation: at('recommendation').value,
  };
  const answer = await ask(SUBMIT, { input: { ...review, idempotencyKey: attempt } });
  if (answer === null) return say('ended');
  const { review: kept, errors = [] } = answer.data?.decideReview ?? { errors: answer.errors };
  at('faults').replaceChildren(...errors.map(({ message }) => made('li', message)));
  if (kept) return say('done');
  attempt = crypto.randomUUID();
  return undefined;
}

function guarded(work) {
  return (event) => {
    event?.preventDefault?.();
    work().catch(() => say('away'));
  };
}

for (const button of document.querySelectorAll('[data-language]')) {
  button.addEventListener('click', () => {
    language = button.dataset.language;
    localStorage.setItem(KEPT, language);
    render();
  });
}
at('form').addEventListener('submit', guarded(submit));
addEventListener('hashchange', guarded(look));
language = preferred();
render();
guarded(look)();
