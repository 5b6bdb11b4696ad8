// An identity provider on loopback: oidc-provider as it is, with knobs that a test turns over POST /control.
// It prints its issuer on one line, and ends when its standard input does.

import { createServer } from 'node:http';

import { exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose';
import Provider from 'oidc-provider';

const [redirectUri, clientSecret] = process.argv.slice(2);
const CLIENT = 'portal';
const knobs = { subject: 'ann', authTime: null, verified: true, forge: null, asked: [] };

const server = createServer();
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

const keys = [];
let key = null;
let provider = null;

async function rotate(back) {
  if (back && key === keys[0]) return;
  if (!back) {
    const pair = await generateKeyPair('RS256', { extractable: true });
    keys.push({ ...pair, kid: `key-${keys.length + 1}` });
  }
  key = back ? keys[0] : keys.at(-1);
  const jwk = { ...(await exportJWK(key.privateKey)), kid: key.kid, alg: 'RS256', use: 'sig' };
  provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        backchannel_logout_uri: 'http://localhost:4600/auth/back-channel/people',
        backchannel_logout_session_required: true,
      },
    ],
    jwks: { keys: [jwk] },
    cookies: { keys: ['only of this test'] },
    claims: { openid: ['sub', 'sid', 'auth_time'], email: ['email', 'email_verified'] },
    scopes: ['openid', 'email'],
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: () => true },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@people.example`, email_verified: knobs.verified }),
    }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid email');
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'token') {
      knobs.asked.push({ status: ctx.status, error: ctx.body?.error ?? null });
      if (ctx.body?.id_token) knobs.sid = claimsOf(ctx.body.id_token).sid;
      if (knobs.forge && ctx.body?.id_token) {
        ctx.body.id_token = await forge(ctx.body.id_token, knobs.forge);
      }
    }
  });
}

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// The provider's own token with other claims or another header, signed as `by` says.
async function forge(token, { claims = {}, header = {}, by = 'provider' }) {
  const [head, payload] = token.split('.', 2).map((text) => JSON.parse(Buffer.from(text, 'base64url').toString()));
  const said = { ...payload, ...claims };
  for (const name of Object.keys(said)) {
    if (said[name] === null) delete said[name];
  }
  const top = { ...head, ...header };
  if (by === 'nobody') return `${part({ ...top, alg: 'none' })}.${part(said)}.`;
  if (by === 'public key as a secret') {
    const jwk = await exportJWK(key.publicKey);
    return new SignJWT(said).setProtectedHeader({ ...top, alg: 'HS256' }).sign(Buffer.from(jwk.n, 'base64url'));
  }
  if (by === 'client secret') {
    return new SignJWT(said).setProtectedHeader({ ...top, alg: 'HS256' }).sign(Buffer.from(clientSecret));
  }
  if (by === 'stranger' || by === 'stranger who brings the key') {
    const pair = await generateKeyPair('RS256', { extractable: true });
    const brought = by === 'stranger' ? {} : { jwk: await exportJWK(pair.publicKey) };
    return new SignJWT(said).setProtectedHeader({ ...top, ...brought }).sign(pair.privateKey);
  }
  if (by === 'another algorithm') {
    const same = await importJWK(await exportJWK(key.privateKey), 'PS256');
    return new SignJWT(said).setProtectedHeader({ ...top, alg: 'PS256' }).sign(same);
  }
  return new SignJWT(said).setProtectedHeader(top).sign(key.privateKey, { crit: { urgent: true } });
}

async function control(request, response) {
  let text = '';
  for await (const piece of request) text += piece;
  const { rotate: again, sign, ...turned } = JSON.parse(text);
  Object.assign(knobs, turned);
  if (again) await rotate(again === 'back');
  const answer = { ...knobs, kid: key.kid };
  if (sign) {
    const header = { alg: 'RS256', kid: key.kid, ...sign.header };
    answer.token = await new SignJWT(sign.claims).setProtectedHeader(header).sign(key.privateKey);
  }
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer));
}

async function interact(request, response) {
  const { prompt } = await provider.interactionDetails(request, response);
  const now = Math.floor(Date.now() / 1000);
  const result =
    prompt.name === 'login' && knobs.subject
      ? { login: { accountId: knobs.subject, ts: knobs.authTime ?? now } }
      : { error: 'access_denied', error_description: 'Not today' };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

await rotate();
server.on('request', (request, response) => {
  const failed = (error) => response.writeHead(500).end(String(error?.stack ?? error));
  if (request.url === '/control') control(request, response).catch(failed);
  else if (request.url.startsWith('/interaction/')) interact(request, response).catch(failed);
  else provider.callback()(request, response);
});
console.log(issuer);
process.stdin.on('end', () => process.exit(0)).resume();
