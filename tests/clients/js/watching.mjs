// Following events: one that happens while a client listens, then one that happened while it did not.
import { CREATE, spec } from './documents.mjs';

export const WATCH = `
  subscription Created($since: ID) {
    specChanged(kinds: [CREATED], sinceEventId: $since) { eventId kind spec { slug } }
  }
`;

const PATIENCE = 180_000;
const AGAIN = 700;

/** Follow with `subscribe(since)`; the slugs made here, and what was heard before and after the pause. */
export async function watched(name, given, subscribe) {
  let made = 0;
  const make = async () => {
    made += 1;
    const { slug, ...input } = spec(`${name}-seen-${made}`, given.run);
    const answer = await fetch(given.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${given.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query: CREATE, variables: { input: { slug, ...input } } }),
    });
    const body = await answer.json();
    if (!body.data?.createSpec?.spec) throw new Error(JSON.stringify(body));
    return slug;
  };

  // When exactly a subscription has begun is not told, so something happens again and again until it is heard.
  const live = subscribe(null);
  const own = (event) => event.spec?.slug.startsWith(`${name}-seen-`) && event.spec.slug.endsWith(given.run);
  let heard = null;
  const listening = until(live, own).then((found) => (heard = found));
  while (heard === null) {
    await make();
    await Promise.race([listening, pause(AGAIN)]);
    if (made * AGAIN > PATIENCE) throw new Error('nothing was heard');
  }
  live.end();

  const missed = await make();
  const resumed = subscribe(heard.at(-1).eventId);
  const after = await until(resumed, (event) => event.spec?.slug === missed);
  resumed.end();
  return { heard: heard.at(-1), missed, after };
}

/** Events up to the first that fits. */
async function until(events, fits) {
  const found = [];
  const late = pause(PATIENCE).then(() => {
    throw new Error(`no such event; heard ${JSON.stringify(found)}`);
  });
  late.catch(() => {});
  for (;;) {
    const { value, done } = await Promise.race([events.next(), late]);
    if (done) throw new Error('the subscription ended');
    if (value.errors || value.error) throw new Error(JSON.stringify(value.errors ?? String(value.error)));
    found.push(value.data.specChanged);
    if (fits(value.data.specChanged)) return found;
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}
