"""How specifications are read, and by whom: drafts by their school, versions by everyone once published."""

from __future__ import annotations

from countersign.kit.sight import EVERYONE, WITH_PARENT, members, predicate, told
from countersign.kit.view import View
from countersign.specs.change_classes import IN_FORCE

PUBLIC = "{t}.state in ('published', 'deprecated', 'retired')"
READERS = (
    told("everyone, once it is published", PUBLIC),
    members(of="its school"),
    told(
        "members of an organization that was asked to review it",
        "exists (select from spec_version_readers r"
        " where r.spec_version_id = {t}.id and r.organization_id = {actor_organization})",
    ),
)
READABLE = predicate(READERS)
READABLE_V = READABLE.replace("{t}", "v")
"""The same predicate over the alias `v`."""

SPEC = View(
    tag="spec",
    source="specs {t}",
    columns={
        "title": f"(select v.title from spec_versions v where v.spec_id = {{t}}.id and {READABLE_V}"
        " order by v.state = 'published' desc, v.ordinal desc limit 1)",
    },
    seen=(
        members(of="its school"),
        told(
            "who sees one of its versions",
            f"exists (select from spec_versions v where v.spec_id = {{t}}.id and {READABLE_V})",
        ),
    ),
)
VERSION = View(
    tag="version",
    source="spec_versions {t}",
    columns={
        "url": "(select i.value || '/specs/' || s.slug || '/versions/' || {t}.semver from installation i, specs s"
        " where i.key = 'public_origin' and s.id = {t}.spec_id)",
        "endorsable": "({t}.state in ('submitted', 'in_review', 'published'))",
        "achievement": "convert_from({t}.achievement, 'UTF8')",
        "spec_json": "convert_from({t}.spec_json, 'UTF8')",
    },
    seen=READERS,
)
DRAFT = View(
    tag="draft",
    source="spec_drafts {t}",
    columns={"title": "{t}.content->>'title'", "submitted": "({t}.version_id is not null)"},
    seen=(members(of="its school"),),
)
LISTING = View(
    tag="listing",
    source="listings {t}",
    columns={
        "notice": "'Listed, not validated: a catalogue entry as imported; no employer has endorsed it.'",
        "workload_hours": "trim_scale({t}.workload_hours)",
    },
    seen=(EVERYONE,),
)

_TEXTS = (
    *("title", "language", "summary", "description", "cycle", "participation", "duration", "prerequisites"),
    *("integration", "audience"),
)
CONTENT = View(
    tag="content",
    source="",
    columns={
        **{name: f"{{t}}.content->>'{name}'" for name in _TEXTS},
        "workload_hours": "{t}.content->>'workloadHours'",
        "ects": "{t}.content->>'ects'",
        "eqf_level": "({t}.content->>'eqfLevel')::int",
        "level_applicable": "({t}.content->>'levelApplicable')::boolean",
        "languages": "array(select jsonb_array_elements_text({t}.content->'languages'))",
        "tags": "array(select jsonb_array_elements_text({t}.content->'tags'))",
        "stackable_towards": "{t}.content->>'stackableTowards'",
        "review_on": "({t}.content->>'reviewOn')::date",
        "field_of_study": "{t}.content->>'fieldOfStudy'",
        "further_information": "{t}.content->>'furtherInformation'",
    },
    seen=(WITH_PARENT,),
)
"""The content of a version or of a draft: part of the row, under the same column name in both."""


def _part(path: str, **columns: str) -> View:
    """A JSON object inside the content of the same row."""
    texts = {n: f"{{t}}.content->{path}->>'{key}'" for n, key in columns.items()}
    return View(tag="part", source="", columns=texts, seen=(WITH_PARENT,))


def _items(source: str, **columns: str) -> View:
    """The objects of a JSON array, in its order."""
    return View(
        tag="item",
        source=f"jsonb_array_elements({source}) with ordinality {{t}}(item, no)",
        columns={name: f"{{t}}.item->>'{key}'" for name, key in columns.items()},
        seen=(WITH_PARENT,),
        key="{t}.no",
    )


PRICE = _part("'price'", amount="amount", currency="currency")
QUALITY_ASSURANCE = _part("'qualityAssurance'", type="type", body="body", description="description", url="url")
ASSESSMENT = View(
    tag="part",
    source="",
    columns={
        "types": "array(select jsonb_array_elements_text({t}.content->'assessment'->'types'))",
        "description": "{t}.content->'assessment'->>'description'",
        "pass_mark": "{t}.content->'assessment'->>'passMark'",
        "supervision": "{t}.content->'assessment'->>'supervision'",
        "duration": "{t}.content->'assessment'->>'duration'",
        "external_assessor": "({t}.content->'assessment'->>'externalAssessor')::boolean",
    },
    seen=(WITH_PARENT,),
)
OUTCOME = View(
    tag="item",
    source="jsonb_array_elements({parent}.content->'outcomes') with ordinality {t}(item, no)",
    columns={
        **{name: f"{{t}}.item->>'{name}'" for name in ("statement", "criterion", "threshold", "conditions")},
        "key": "{t}.item->>'id'",
        "primary": "({t}.item->>'primary')::boolean",
        "measurable": "({t}.item->>'criterion' is not null and {t}.item->>'threshold' is not null)",
    },
    seen=(WITH_PARENT,),
    key="{t}.no",
)
TOOL = View(
    tag="item",
    source="jsonb_array_elements({parent}.content->'toolchain') with ordinality {t}(item, no)",
    columns={
        **{name: f"{{t}}.item->>'{name}'" for name in ("name", "version", "purpose")},
        "checked_on": "({t}.item->>'checkedOn')::date",
    },
    seen=(WITH_PARENT,),
    key="{t}.no",
)
ALIGNMENT = View(
    tag="item",
    source="jsonb_array_elements({parent}.content->'skills') with ordinality {t}(item, no)",
    columns={
        **{name: f"{{t}}.item->>'{name}'" for name in ("uri", "name", "framework")},
        "matched": "({t}.item->>'matched')::boolean",
    },
    seen=(WITH_PARENT,),
    key="{t}.no",
)
CRITERION = _items(
    "{parent}.content->'assessment'->'rubric'",
    key="id",
    name="name",
    description="description",
    required_level="requiredLevel",
)
LEVEL = _items(
    "{parent}.item->'levels'", key="id", name="name", level="level", points="points", description="description"
)

# Differences

_BOTH_WAYS = (
    "(select d.from_id, d.to_id, d.change_class, d.sections, d.changes, false as turned from spec_version_diffs d"
    " union all"
    " select d.to_id, d.from_id, d.change_class, d.sections, d.changes, true from spec_version_diffs d"
    " union all"
    " select v.id, v.id, null, array[]::text[], '[]'::jsonb, false from spec_versions v)"
)


def _seen_version(column: str) -> str:
    return f"exists (select from spec_versions v where v.id = {{t}}.{column} and {READABLE_V})"


DIFF = View(
    tag="diff",
    source=_BOTH_WAYS + " {t}",
    columns={
        "changed_sections": "{t}.sections",
        "material_count": "(select count(*)::int from jsonb_array_elements({t}.changes) c"
        " where c->>'changeClass' = 'material')",
        "editorial_count": "(select count(*)::int from jsonb_array_elements({t}.changes) c"
        " where c->>'changeClass' = 'editorial')",
    },
    seen=(told("who sees both versions", f"({_seen_version('from_id')} and {_seen_version('to_id')})"),),
    key="{t}.to_id",
)
"""What differs between any two versions of a specification, in either direction; a version differs from itself in
nothing. Stored is the way from the earlier to the later; the other one is read from it."""


def _turned(kept: str, other: str) -> str:
    return f"case when {{t}}.turned then {{t}}.item->>'{other}' else {{t}}.item->>'{kept}' end"


def _inverted(key: str) -> str:
    return (
        f"case when not {{t}}.turned then {{t}}.item->>'{key}' when {{t}}.item->>'{key}' = 'added' then 'removed'"
        f" when {{t}}.item->>'{key}' = 'removed' then 'added' else {{t}}.item->>'{key}' end"
    )


DIFF_CHANGE = View(
    tag="change",
    source="(select c.item, c.no, {parent}.turned from jsonb_array_elements({parent}.changes)"
    " with ordinality c(item, no)) {t}",
    columns={
        "path": "{t}.item->>'path'",
        "section": "{t}.item->>'section'",
        "kind": _inverted("kind"),
        "change_class": "{t}.item->>'changeClass'",
        "why": "{t}.item->>'why'",
        "before": _turned("before", "after"),
        "after": _turned("after", "before"),
        "moved_from": f"({_turned('movedFrom', 'movedTo')})::int",
        "moved_to": f"({_turned('movedTo', 'movedFrom')})::int",
    },
    seen=(WITH_PARENT,),
    key="{t}.no",
)
DIFF_WORDS = View(
    tag="words",
    source="(select w.item, w.no, {parent}.turned from jsonb_array_elements({parent}.item->'words')"
    " with ordinality w(item, no)) {t}",
    columns={"change": _inverted("change"), "text": "{t}.item->>'text'"},
    seen=(WITH_PARENT,),
    key="{t}.no",
)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_ROWS = ", ".join(
    f"({number}, {_literal(row.path)}, {_literal(row.aspect.value)}, {_literal(row.rule.value)}, {_literal(row.why)})"
    for number, row in enumerate(IN_FORCE.rows, start=1)
)
CHANGE_CLASS_ROW = View(
    tag="chc",
    source=f"(values {_ROWS}) {{t}}(no, path, change, rule, why)",
    columns={"table_version": str(IN_FORCE.version)},
    seen=(EVERYONE,),
    key="{t}.no",
)
"""The published table by which changes are classed."""

_WORDS = ", ".join(
    f"({number}, {_literal(each.language)}, array[{', '.join(map(_literal, each.words))}],"
    f" array[{', '.join(map(_literal, each.opposites))}], {_literal(each.letters)},"
    f" array[{', '.join(_literal(f'{these} {those}') for these, those in each.alike)}]::text[])"
    for number, each in enumerate(IN_FORCE.words, start=1)
)
CHANGE_CLASS_WORDS = View(
    tag="chw",
    source=f"(values {_WORDS}) {{t}}(no, language, words, opposites, letters, alike)",
    columns={"table_version": str(IN_FORCE.version)},
    seen=(EVERYONE,),
    key="{t}.no",
)
"""The words by which the published table knows that a text means something else."""
