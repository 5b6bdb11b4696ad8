// The audit suite of graphql-http over one server: a list of {id, name, status, reason} as JSON.
import { text } from 'node:stream/consumers';
import { serverAudits } from 'graphql-http';

const { url } = JSON.parse(await text(process.stdin));
const results = [];
for (const { id, name, fn } of serverAudits({ url })) {
  try {
    const { status, reason } = await fn();
    results.push({ id, name, status, reason: reason ?? null });
  } catch (error) {
    results.push({ id, name, status: 'fatal', reason: String(error) });
  }
}
process.stdout.write(JSON.stringify(results));
