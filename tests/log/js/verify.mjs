// Checks bundles of `countersign log export`, and knows nothing of the server's code: RFC 9162 trees, C2SP notes,
// RFC 8785 JSON, SHA-256 and Ed25519 as node has them. Reads {"files": [path…]}; answers what it found in each file.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
const LATE = 15 * 60 * 1000;
const sha = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const hex = (text) => Buffer.from(text, "hex");
const leafHash = (data) => sha(Buffer.from([0]), data);
const nodeHash = (left, right) => sha(Buffer.from([1]), left, right);
const sorted = (object) => Object.entries(object).filter(([, v]) => v !== null).sort(([a], [b]) => (a < b ? -1 : 1));
const canonical = (object) => JSON.stringify(Object.fromEntries(sorted(object)));
class Tree {
  stack = [];
  size = 0;
  add(hash) {
    for (let n = this.size++; n & 1; n >>= 1) hash = nodeHash(this.stack.pop(), hash);
    this.stack.push(hash);
  }
  root() {
    return this.stack.length ? this.stack.reduceRight((right, left) => nodeHash(left, right)) : sha("");
  }
}

function openNote(note, vkey) {
  const [name, id, key] = vkey.match(/^(.+)\+([0-9a-f]{8})\+(.+)$/).slice(1);
  const raw = Buffer.from(key, "base64");
  const spki = Buffer.concat([hex("302a300506032b6570032100"), raw.subarray(1)]);
  const text = note.slice(0, note.indexOf("\n\n") + 1);
  const line = note.slice(text.length + 1).split("\n")[0];
  const signed = Buffer.from(line.split(" ").at(-1), "base64");
  const [origin, size, root, ...rest] = text.split("\n");
  const form = note === `${text}\n${line}\n` && line === `— ${name} ${signed.toString("base64")}` && rest.length === 1;
  const good = form && origin === name && [sha(name, "\n", raw), signed].every((b) => b.toString("hex", 0, 4) === id) &&
    verify(null, Buffer.from(text), createPublicKey({ key: spki, format: "der", type: "spki" }), signed.subarray(4));
  return good ? { size: Number(size), root } : null;
}

function check(lines) {
  const found = [];
  const of = (name) => lines.filter((line) => name in line).map((line) => line[name]);
  const [[vkey], roots] = [of("key"), new Map()];
  let [before, latest] = [-1, -Infinity];
  for (const [at, { number, size, note }] of of("checkpoint").entries()) {
    const said = openNote(note, vkey);
    if (number !== at + 1 || size <= before || said?.size !== size) found.push(`checkpoint ${(before = size)}`);
    else roots.set((before = size), said.root);
  }
  const [leaves, tree, streams, things, salts] = [of("leaf"), new Tree(), new Map(), new Map(), []], erased = new Set();
  const compare = () => roots.has(tree.size) && roots.get(tree.size) !== tree.root().toString("base64") && found.push(`root ${tree.size}`);
  compare();
  for (const [at, leaf] of leaves.entries()) {
    const [data, last] = [hex(leaf.data), streams.get(leaf.stream) ?? { seq: 0, previous: null }];
    const { event, seq, previous } = leaf;
    const bad = (why) => found.push(`leaf ${leaf.index}: ${why}`);
    if (leaf.index !== at) bad("place");
    if (leafHash(data).toString("hex") !== leaf.hash) bad("hash");
    if (seq !== last.seq + 1 || previous !== last.previous) bad("chain");
    streams.set(leaf.stream, { seq, previous: sha(data).toString("hex") });
    if (!event) bad("event gone");
    else {
      const told = canonical({ ...event, seq, previous });
      const want = { at: event.at, kind: event.kind, content: null, event: sha(hex(leaf.salt), told).toString("hex") };
      if (event.content && leaf.content_salt) want.content = sha(hex(leaf.content_salt), hex(event.content)).toString("hex");
      else if (event.content) want.content = JSON.parse(data.toString()).content ?? null;
      if (canonical(want) !== data.toString()) bad("event");
      if (!event.content && leaf.content_salt) bad("salt");
      if (event.content && !leaf.content_salt) salts.push(`${event.kind} ${event.object}`);
      if (Date.parse(event.at) < latest - LATE) bad("back-dated");
      latest = Math.max(latest, Date.parse(event.at));
      if (event.kind) things.set(`${event.kind} ${event.object}`, event);
      if (event.action === `${event.kind}.erased`) erased.add(`${event.kind} ${event.object}`);
    }
    tree.add(leafHash(data));
    compare();
  }
  if (of("head")[0]?.size !== leaves.length || Math.max(...roots.keys()) !== leaves.length) found.push("head");
  for (const event of of("event")) {
    event.fresh || found.push(`event ${event.id} is in no leaf`);
    event.kind && things.set(`${event.kind} ${event.object}`, event);
  }
  const row = (level) => (level ? of("node").filter((n) => n.level === level) : leaves);
  const wrong = (level) => level % 8 || level < 8 || !(leaves.length >> Math.min(level, 31));
  for (const node of of("node")) if (wrong(node.level)) found.push(`tiles of level ${node.level}`);
  for (let level = 8; leaves.length >> level; level += 8) {
    const below = row(level - 8).map((n) => hex(n.hash));
    const want = Array.from({ length: leaves.length >> level }, (_, n) => {
      const part = new Tree();
      for (const hash of below.slice(n * 256, n * 256 + 256)) part.add(hash);
      return `${n} ${part.root().toString("hex")}`;
    });
    if (row(level).map((n) => `${n.index} ${n.hash}`).join() !== want.join()) found.push(`tiles of level ${level}`);
  }
  const now = new Map(of("thing").map((thing) => [`${thing.kind} ${thing.subject}`, thing]));
  for (const name of new Set([...now.keys(), ...things.keys()])) {
    const [is, said] = [now.get(name), things.get(name)];
    if ((is?.facts ?? null) !== (said?.after ?? null) || (is?.content && is.content !== said.content)) found.push(name);
  }
  for (const name of salts) things.get(name)?.after && !erased.has(name) && found.push(`salt of ${name}`);
  return found;
}

const { files } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(Object.fromEntries(files.map((file) => [file, check(readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line)))]))));
