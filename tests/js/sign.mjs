// Makes what other issuers make, with libraries that we did not write. Reads JSON from standard input:
//   {credential, names: {rsa, p256, ed25519: {id, controller}}, private: the same names with JWKs,
//    lists: {name: {url, places}}, said: Open Badges 2.0, contexts: {url: path}, created};
// writes JSON: texts by name. Nothing is fetched.
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import {createSignCryptosuite as ecdsaJcs} from '@digitalbazaar/ecdsa-jcs-2019-cryptosuite';
import {createSignCryptosuite as eddsaJcs} from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {Ed25519Signature2020} from '@digitalbazaar/ed25519-signature-2020';
import {createCredential, createList} from '@digitalbazaar/vc-status-list';
import {CompactSign, importJWK, SignJWT} from 'jose';
import jsigs from 'jsonld-signatures';
import {readFileSync} from 'node:fs';

const asked = JSON.parse(readFileSync(0, 'utf8'));
const {credential, names, private: keys, list, badge, contexts} = asked;

async function documentLoader(url) {
  if(!contexts[url]) {
    throw new Error(`${url} is not at hand, and nothing is fetched.`);
  }
  return {documentUrl: url, document: JSON.parse(readFileSync(contexts[url], 'utf8'))};
}

async function proven(document, suite) {
  const purpose = new jsigs.purposes.AssertionProofPurpose();
  return JSON.stringify(await jsigs.sign({...document}, {suite, purpose, documentLoader}));
}

async function token(name, alg, claims, header = {}) {
  const key = await importJWK(keys[name], alg);
  return new SignJWT(claims).setProtectedHeader({alg, typ: 'JWT', kid: names[name].id, ...header}).sign(key);
}

const p256 = await EcdsaMultikey.fromJwk({jwk: keys.p256, secretKey: true, ...names.p256});
const ed25519 = await Ed25519Multikey.fromJwk({jwk: keys.ed25519, secretKey: true, ...names.ed25519});
const jcs = (key, cryptosuite) => new DataIntegrityProof({signer: key.signer(), cryptosuite});
const claims = {...credential, iss: credential.issuer.id, sub: credential.credentialSubject.id, jti: credential.id};

const bits = await createList({length: 131072});
list.places.forEach(place => bits.setStatus(place, true));
const listed = await createCredential({id: list.url, list: bits, statusPurpose: 'revocation'});
const suite2020 = new Ed25519Signature2020({signer: ed25519.signer()});
suite2020.signer.id = names.ed25519.id;
const issued = {issuer: credential.issuer.id, issuanceDate: credential.validFrom};
const payload = new TextEncoder().encode(JSON.stringify(badge));

process.stdout.write(JSON.stringify({
  RS256: await token('rsa', 'RS256', claims),
  ES256: await token('p256', 'ES256', claims),
  EdDSA: await token('ed25519', 'EdDSA', claims, {typ: 'vc+jwt'}),
  Ed25519: await token('ed25519', 'Ed25519', claims),
  'eddsa-jcs-2022': await proven(credential, jcs(ed25519, eddsaJcs())),
  'ecdsa-jcs-2019': await proven(credential, jcs(p256, ecdsaJcs())),
  StatusList2021: await proven({...listed, ...issued}, suite2020),
  badge: await new CompactSign(payload).setProtectedHeader({alg: 'RS256'}).sign(await importJWK(keys.rsa, 'RS256'))
}));
