"""public: plain HTTP for outsiders, without an account.

Owns: DID documents, status lists, frozen versions, signed credentials, the verification page and `POST /verify`; pages
    behind the addresses that stand in signed documents; `/leaked`, where a token that was found is ended.
Promises: bytes are served as they were frozen or signed; missing and private look the same; nothing is ever fetched.
May call: services of rooms, never their tables.
Never: knows GraphQL; shows who holds an award to anyone who was not given its sealed id.
"""
