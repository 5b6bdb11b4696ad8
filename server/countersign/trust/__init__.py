"""trust: keys, canonical bytes, signatures, verification findings and status lists.

Owns: `signing_keys`, `did_versions`, `status_lists`, `status_entries`; the bundled JSON-LD contexts and JSON Schemas
    in `data/`.
Promises: what was signed can be checked by anyone, for ever; nothing is signed that a strict verifier would refuse;
    a status index is never used twice; nothing is ever fetched from a network.
May call: organizations (rows of issuers, read only), log and kit.
Never: decides whether something may be endorsed or awarded; shows a private or wrapped key to a log, an error or a
    caller; changes bytes once signed.

Files beside the four of every room:
    addresses       the public URLs and DIDs of one installation
    canonical       RFC 8785, strict JSON-LD expansion and RDFC-1.0, digests (pure)
    canonical_codes multibase, base58, multihash, SRI (pure)
    canonical_contexts  contexts and schemas that ship with the package, pinned by SHA-256 (pure)
    canonical_proof `eddsa-rdfc-2022` over a document (pure); `ecdsa-rdfc-2019` and both JCS suites are read too
    canonical_schema    JSON Schema by the type of a credential (pure)
    canonical_status    bitstring status lists: bits, index permutation (pure); StatusList2021 is read too
    documents       Achievement, EndorsementCredential, OpenBadgeCredential from plain values (pure)
    documents_keys  the did:web document and the status list credential (pure)
    verify*         findings and verdicts over given material (pure); `verify_keys` Ed25519, P-256 and RSA as Multikey,
                    JWK or PEM, `verify_jwt` credentials as tokens (RS256, ES256, EdDSA), `verify_status` status
                    lists and lists of revocations
    history         every version of every DID document
    keys            envelope encryption of signing keys
    worker, workers processes that canonicalise and verify, so that the event loop does not
    signer          the only reader of the private halves in the key table
    key_commands    add, retire, mark compromised; `events` what that means for the rooms above
"""
