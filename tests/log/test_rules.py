"""Trees of RFC 9162 and notes of C2SP: every size and place, and nothing that was changed."""

from __future__ import annotations

import hashlib

import pytest

from countersign.log import rules
from countersign.log.rules_notes import Checkpoint, LogKey, LogVerifier, NoteRefused, notes_in, origin_of

ORIGIN = "credentials.example/log"
SIZES = range(1, 34)


def leaves(count: int) -> list[bytes]:
    return [rules.leaf_hash(b"leaf %d" % n) for n in range(count)]


def defined(hashes: list[bytes]) -> bytes:
    """The root by the definition of section 2.1.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + defined(hashes[:k]) + defined(hashes[k:])).digest()


def grown(hashes: list[bytes]) -> rules.Edge:
    edge = rules.Edge()
    for one in hashes:
        edge.add(one, lambda _node, _root: None)
    return edge


def test_the_hashes_of_rfc_6962_come_out() -> None:
    """The vectors of certificate-transparency-go: eight known leaves."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    hashes = [rules.leaf_hash(bytes.fromhex(text)) for text in inputs]
    assert hashes[0].hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert grown(hashes).root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.mark.parametrize("count", [*SIZES, 255, 256, 257, 511, 512, 600])
def test_a_tree_that_grows_has_the_root_of_the_definition(count: int) -> None:
    assert grown(leaves(count)).root() == defined(leaves(count))


def test_the_roots_of_full_tiles_are_handed_over() -> None:
    kept: dict[rules.Node, bytes] = {}
    edge = rules.Edge()
    for one in leaves(600):
        edge.add(one, kept.__setitem__)
    assert kept == {rules.Node(8, n): defined(leaves(600)[n * 256 : (n + 1) * 256]) for n in (0, 1)}


def test_an_inclusion_proof_holds_for_its_leaf_and_place_alone() -> None:
    for size in SIZES:
        hashes = leaves(size)
        root = defined(hashes)
        for index in range(size):
            proof = [defined(hashes[a:b]) for a, b in rules.inclusion(index, size)]
            assert rules.includes(root, hashes[index], index, size, proof)
            assert not rules.includes(root, rules.leaf_hash(b"forged"), index, size, proof)
            assert not rules.includes(root, hashes[index], index + 1, size, proof)
            assert not rules.includes(root, hashes[index], index, size, [*proof, root])
            if proof:
                assert not rules.includes(root, hashes[index], index, size, proof[:-1])


def test_a_consistency_proof_holds_for_a_tree_that_only_grew() -> None:
    for new in SIZES:
        hashes = leaves(new)
        for old in range(1, new + 1):
            was, now = defined(hashes[:old]), defined(hashes)
            proof = [defined(hashes[a:b]) for a, b in rules.consistency(old, new)]
            assert rules.extends(was, old, now, new, proof)
            forged = defined([rules.leaf_hash(b"forged"), *hashes[1:old]])
            assert not rules.extends(forged, old, now, new, proof)
            if proof:
                assert not rules.extends(was, old, now, new, [b"\0" * 32, *proof[1:]])
                assert not rules.extends(was, old, now, new, proof[:-1])


def test_a_range_is_covered_by_whole_subtrees() -> None:
    for size in SIZES:
        hashes = leaves(size)
        for index in range(size):
            for span in rules.inclusion(index, size):
                parts = rules.cover(span)
                assert parts[0].place << parts[0].level == span[0]
                assert sum(1 << n.level for n in parts) == span[1] - span[0]
                inner = [defined(hashes[n.place << n.level : (n.place + 1) << n.level]) for n in parts]
                assert rules.fold(inner) == defined(hashes[span[0] : span[1]])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in the tree"):
        rules.inclusion(index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3), (-1, 3)])
def test_sizes_out_of_order_have_no_proof(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="not in order"):
        rules.consistency(old, new)


def test_a_checkpoint_is_read_by_who_knows_the_published_key() -> None:
    key = LogKey(b"secret", ORIGIN)
    said = Checkpoint(ORIGIN, 7, b"\x07" * 32)
    note = key.sign(said)
    assert note.startswith(f"{ORIGIN}\n7\nBwcH")
    verifier = LogVerifier.parse(key.verifier.text)
    assert verifier.open(note) == said
    assert verifier.open(note + "— witness.example/w AAAAAA==\n") == said


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\n7\n", "\n8\n"),
        lambda note: note.replace("BwcH", "CAgI", 1),
        lambda note: note.replace(ORIGIN, "other.example/log"),
        lambda _note: LogKey(b"another", ORIGIN).sign(Checkpoint(ORIGIN, 7, b"\x07" * 32)),
        lambda note: note.partition("\n\n")[0],
        lambda note: note.partition("\n\n")[0] + "\n\n",
        lambda _note: "",
    ],
)
def test_a_checkpoint_that_the_key_did_not_sign_is_refused(change: object) -> None:
    key = LogKey(b"secret", ORIGIN)
    assert callable(change)
    with pytest.raises(NoteRefused):
        key.verifier.open(change(key.sign(Checkpoint(ORIGIN, 7, b"\x07" * 32))))


@pytest.mark.parametrize("text", ["", "a+b", "a+00000000+AAAA", "a+zz+!!"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        LogVerifier.parse(text)


def test_a_witness_file_holds_notes_after_one_another() -> None:
    key = LogKey(b"secret", origin_of("https://credentials.example"))
    notes = [key.sign(Checkpoint(ORIGIN, n, b"\x07" * 32)) for n in (3, 5)]
    assert notes_in("\n".join(notes)) == notes
    assert notes_in("".join(notes)[: len(notes[0])]) == notes[:1]
    assert notes_in("\n\n") == []
