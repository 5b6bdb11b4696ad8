// The tabs each role finds open. Every operation is checked against schema.graphql by the tests.

const operations = import.meta.glob('./operations/*.graphql', { query: '?raw', import: 'default', eager: true });
const templates = import.meta.glob('./operations/*.json', { import: 'default', eager: true });

const TABS = {
  '': ['catalogue', 'stacks', 'block', 'live_endorsements'],
  recruiter: ['find_graduates', 'find_by_skill', 'stacks', 'block', 'live_endorsements'],
  reviewer: ['waiting', 'block', 'endorse', 'live_requests'],
  school: ['our_blocks', 'answers', 'block', 'live_blocks'],
  learner: ['my_awards', 'consent'],
};

// Ids differ from one installation to another: a tab's look-up asks for them, and its variables point into the answer.
export async function tabsFor(role, headers, ask) {
  return Promise.all(
    (TABS[role] ?? TABS['']).map(async (name) => {
      const lookup = operations[`./operations/${name}.lookup.graphql`];
      const found = lookup ? await ask(lookup) : {};
      return {
        query: operations[`./operations/${name}.graphql`],
        variables: pretty(filled(templates[`./operations/${name}.json`], found)),
        headers: pretty(Object.keys(headers).length ? headers : undefined),
      };
    }),
  );
}

function filled(template, found) {
  if (Array.isArray(template)) {
    return template.map((item) => filled(item, found));
  }
  if (template && typeof template === 'object') {
    return Object.fromEntries(Object.entries(template).map(([key, item]) => [key, filled(item, found)]));
  }
  if (typeof template !== 'string' || !template.startsWith('$')) {
    return template;
  }
  if (template === '$key') {
    return crypto.randomUUID();
  }
  if (template.startsWith('$in:')) {
    return new Date(Date.now() + Number(template.slice(4)) * 86_400_000).toISOString().slice(0, 10);
  }
  return template.slice(1).split('.').reduce((at, step) => at?.[step], found) ?? '';
}

function pretty(value) {
  return value === undefined ? '' : JSON.stringify(value, null, 2);
}
