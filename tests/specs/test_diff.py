"""Two versions compared field by field: what is found, where, and what it means."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.specs.change_classes import ChangeClass
from countersign.specs.content import Content
from countersign.specs.diff import ChangeKind, Diff, differences
from countersign.specs.diff_words import Piece
from countersign.specs.reading import parse, to_json
from countersign.specs.sections import FIELDS, Section, section_of
from tests.specs.samples import COMPLETE, changed


def document(**fields: Any) -> dict[str, Any]:
    return to_json(parse(changed(**fields)))


def compared(**fields: Any) -> Diff:
    return differences(document(), document(**fields))


def test_every_field_belongs_to_exactly_one_section() -> None:
    fields = [field for fields in FIELDS.values() for field in fields]
    assert sorted(fields) == sorted(to_json(Content()))
    assert list(FIELDS) == list(Section)
    assert section_of("assessment.rubric[a.b].levels[x]") is Section.ASSESSMENT
    assert section_of("tomorrow") is Section.OVERVIEW


def test_the_same_content_has_no_difference_and_no_class() -> None:
    diff = compared()
    assert (diff.changes, diff.change_class, diff.sections, diff.paths) == ((), None, (), ())


def test_change_of_description_is_editorial() -> None:
    diff = compared(description="Designs, runs and reads experiments.")
    assert diff.paths == ("description",)
    assert diff.change_class is ChangeClass.EDITORIAL


def test_a_figure_that_changes_in_an_editorial_text_is_material() -> None:
    (change,) = differences({"description": "Lasts ٣ weeks"}, {"description": "Lasts ٤ weeks"}).changes
    assert change.change_class is ChangeClass.MATERIAL


@pytest.mark.parametrize(
    ("before", "after", "material"),
    [
        ("Learners must ask first.", "Learners must not ask first.", "not"),
        ("Learners may ask first.", "Learners must ask first.", "may, must"),
        ("Learners don’t ask.", "Learners ask.", "don't"),
        ("One asks at least twice.", "One asks at most twice.", "least, most"),
        ("Learners ask.", "Learners ask. They cannot fail.", "cannot"),
        ("Слушатели могут пересдать.", "Слушатели не могут пересдать.", "не"),
        ("Работа обязательна.", "Работа желательна.", "обязательна"),
        ("Learners Must aks.", "Learners must ask.", ""),
        ("Learners need not ask, and must wiat.", "Learners need not ask, and must wait.", ""),
        ("Слушатели учавствуют.", "Слушатели участвуют.", ""),
        ("It lasts five weeks.", "It lasts ten weeks.", "five, ten"),
        ("Курс длится пять недель.", "Курс длится десять недель.", "пять, десять"),
        ("They must ask.", "They must n\u00adot ask.", "not"),
        ("They must ask.", "They must n\u200bot ask.", "U+200B"),
        ("They must ask.", "They must n\u043et ask.", "n\u043et"),
        ("They must ask.", "They must ask \u202eton", "U+202E"),
        ("Слушатели молчат.", "Слушатели мо\u0301гут молчать.", "могут"),
        ("They m\u00adust aks.", "They must ask.", ""),
        ("They ask.", "They rnust ask.", "rnust"),
        ("They ask.", "They wilI ask.", "wili"),
        ("They ask.", "They are perrnitted to ask.", "perrnitted"),
        ("They ask.", "They m\u0251y ask.", "m\u0251y"),
        ("It lasts weeks.", "It lasts \u03c0\u03ad\u03bd\u03c4\u03b5 weeks.", "\u03c0\u03ad\u03bd\u03c4\u03b5"),
        ("It lasts weeks.", "It lasts \u4e94 weeks.", "\u4e94"),
        ("Ask Zoe in Łódź.", "Ask Zoë in Lodz.", "łódź"),
        ("Ask Zoe and Jose.", "Ask Zoë and José.", ""),
    ],
)
def test_a_word_of_duty_or_denial_that_comes_or_goes_is_material(before: str, after: str, material: str) -> None:
    (change,) = differences({"description": before}, {"description": after}).changes
    assert change.change_class is (ChangeClass.MATERIAL if material else ChangeClass.EDITORIAL)
    assert change.why.endswith(f"may have changed: {material}." if material else "may be mended.")


@pytest.mark.parametrize(
    ("before", "after", "turned"),
    [
        ("The exam is supervised.", "The exam is unsupervised.", "unsupervised"),
        ("An accessible room, with regular talks.", "An inaccessible room, with talks irregularly.", "inaccessible"),
        ("Synchronous meetings.", "Asynchronous meetings.", "asynchronous"),
        ("Learners are paid.", "Unpaid are the learners.", "unpaid"),
        ("A qualified tutor.", "A disqualified tutor.", "disqualified"),
        ("Работа проверяется наставником.", "Работа непроверяемая.", "непроверяемая"),
        ("Проверяемая работа.", "Ход непроверяемой работы.", "непроверяемой"),
        ("Опасный опыт.", "Безопасный опыт.", "безопасный"),
        ("Learners wnat to learn.", "Learners want to learn.", ""),
        ("They go to town.", "They go into town.", ""),
        ("Неделя практики.", "Недели практики.", ""),
        ("Under the roof.", "Under our roof.", ""),
    ],
)
def test_a_word_that_takes_the_place_of_its_opposite_is_material(before: str, after: str, turned: str) -> None:
    for one, other in ((before, after), (after, before)):
        (change,) = differences({"description": one}, {"description": other}).changes
        assert change.change_class is (ChangeClass.MATERIAL if turned else ChangeClass.EDITORIAL)
        assert f"opposite: {turned}" in change.why if turned else change.why.endswith("may be mended.")


@pytest.mark.parametrize("language", ["de", "zh-Hans", "xx"])
def test_a_text_in_a_language_of_which_no_words_are_known_is_material(language: str) -> None:
    one, other = ({"language": language, "description": text} for text in ("Teilnehmer müssn.", "Teilnehmer müssen."))
    (change,) = differences(one, other).changes
    assert change.change_class is ChangeClass.MATERIAL


@pytest.mark.parametrize("field", ["title", "ects", "eqfLevel", "duration", "price", "languages", "toolchain", "tags"])
def test_change_of_any_other_field_is_material_whatever_else_is_editorial(field: str) -> None:
    empty: dict[str, Any] = {"title": "Other", "languages": [], "toolchain": [], "tags": []}
    diff = compared(**{field: empty.get(field)}, description="And a typo.")
    assert {change.path.partition("[")[0] for change in diff.changes} == {"description", field}
    assert diff.change_class is ChangeClass.MATERIAL


def test_a_field_that_nobody_knows_is_compared_and_is_material() -> None:
    (change,) = differences({}, {"tomorrow": {"x": 1}}).changes
    assert (change.path, change.kind, change.change_class) == ("tomorrow", ChangeKind.ADDED, ChangeClass.MATERIAL)
    assert "does not know" in change.why


def test_items_are_found_by_what_names_them_not_by_their_place() -> None:
    outcomes = [{"id": "extra", "statement": "New."}, *deepcopy(COMPLETE["outcomes"])]
    outcomes[1]["threshold"] = "4 of 4"
    diff = compared(outcomes=outcomes)
    assert [(c.path, c.kind) for c in diff.changes] == [
        ("outcomes[extra]", ChangeKind.ADDED),
        ("outcomes[report].threshold", ChangeKind.CHANGED),
    ]
    assert diff.sections == (Section.OUTCOMES,)


def test_an_item_that_goes_is_one_change_with_all_that_it_said() -> None:
    (change,) = compared(outcomes=COMPLETE["outcomes"][:1]).changes
    assert (change.path, change.kind, change.after) == ("outcomes[power]", ChangeKind.REMOVED, None)
    assert '"statement": "Computes the sample size' in (change.before or "")


def test_a_tool_of_another_version_is_a_change_of_that_tool() -> None:
    (change,) = compared(toolchain=[{"name": "Python", "version": "3.14", "checkedOn": "2026-09-20"}]).changes
    assert (change.path, change.before, change.after) == ("toolchain[Python].version", "3.13", "3.14")


def test_the_reason_stays_a_sentence_however_many_words_weigh() -> None:
    many = " ".join(f"\u4e94{chr(0x4E00 + n)}" for n in range(400))
    (change,) = differences({"description": "Ask."}, {"description": f"Ask. {many}"}).changes
    assert change.why.count(", ") == 1 + 9  # the first is before "allows"
    assert change.why.endswith(" more.")
    (long,) = differences({"description": "x" * 5_000}, {"description": f"un{'x' * 5_000}"}).changes
    assert long.why.endswith(f"its opposite: un{'x' * 38}….")


def test_two_tools_of_one_name_are_told_apart_by_their_versions() -> None:
    both = [{"name": "Python", "version": "3.13"}, {"name": "Python", "version": "3.12"}]
    diff = differences({"toolchain": both[:1]}, {"toolchain": both})
    assert [(c.path, c.kind) for c in diff.changes] == [("toolchain[Python 3.12]", ChangeKind.ADDED)]


def test_a_moved_item_tells_its_places_and_the_fewest_are_told() -> None:
    outcomes = [{"id": key, "statement": key} for key in "abcd"]
    diff = differences({"outcomes": outcomes}, {"outcomes": [*outcomes[1:], outcomes[0]]})
    (change,) = diff.changes
    assert (change.path, change.kind, change.moved_from, change.moved_to) == ("outcomes[a]", ChangeKind.MOVED, 1, 4)
    assert diff.paths == ("outcomes",)
    assert change.change_class is ChangeClass.MATERIAL


def test_another_order_of_tags_is_editorial_and_another_tag_is_not() -> None:
    assert compared(tags=["Python", "experimentation"]).change_class is ChangeClass.EDITORIAL
    diff = compared(tags=["Python", "experiments"])
    assert diff.change_class is ChangeClass.MATERIAL
    assert diff.paths == ("tags[experimentation]", "tags[experiments]")


def test_brackets_in_a_name_do_not_confuse_the_path_of_its_list() -> None:
    diff = differences({"tags": ["a[b]", "c"]}, {"tags": ["c", "a[b]"]})
    assert diff.paths == ("tags",)


def test_a_list_whose_items_nothing_names_is_one_change() -> None:
    (change,) = differences({"outcomes": [{"x": 1}]}, {"outcomes": [{"x": 2}]}).changes
    assert (change.path, change.before) == ("outcomes", '[{"x": 1}]')
    (twice,) = differences({"tags": ["a", "a"]}, {"tags": ["a"]}).changes
    assert twice.path == "tags"


def test_what_was_not_said_is_told_apart_from_what_is_empty_or_false() -> None:
    assert differences({"tags": []}, {"tags": None}).changes == ()
    (change,) = differences({"levelApplicable": True}, {"levelApplicable": 1}).changes
    assert (change.before, change.after) == ("true", "1")


def test_a_changed_text_is_told_word_by_word() -> None:
    (change,) = compared(title="A/B testing for product decisions in Python").changes
    assert [(run.piece, run.text) for run in change.words if run.piece is not Piece.SAME] == [
        (Piece.REMOVED, "metrics"),
        (Piece.ADDED, "decisions"),
    ]


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.text(alphabet="ab שé́1 ", max_size=6))
ITEMS = st.lists(st.fixed_dictionaries({"id": st.sampled_from("abcd"), "s": SCALARS}), unique_by=lambda i: i["id"])
DOCUMENTS = st.fixed_dictionaries(
    {
        "title": SCALARS,
        "outcomes": ITEMS,
        "tags": st.lists(st.sampled_from("abc"), unique=True),
        "later": st.dictionaries(st.sampled_from("xy"), SCALARS),
    }
)


@given(DOCUMENTS, DOCUMENTS)
def test_differences_are_none_exactly_for_equal_contents_and_mirror_each_other(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    forth, back = differences(one, other), differences(other, one)
    assert bool(forth.changes) is not _same(one, other)
    assert {change.pattern for change in forth.changes} == {change.pattern for change in back.changes}
    assert forth.change_class is back.change_class
    assert len({(c.path, c.kind) for c in forth.changes}) == len(forth.changes)


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Equal, where what is null is not said, and true is not 1."""

    def spread(document: dict[str, Any]) -> str:
        said = {k: v for k, v in sorted(document["later"].items()) if v is not None}
        return repr(sorted({**document, "later": said}.items()))

    return spread(one) == spread(other)
