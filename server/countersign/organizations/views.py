"""How organizations are read."""

from __future__ import annotations

from typing import Final

from countersign.kit.access import Permission
from countersign.kit.sight import EVERYONE, holders, members, told
from countersign.kit.view import View
from countersign.organizations.rules_domains import FILE, LABEL

_LATIN = r"A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff"
_ALIKE = r"\u0370-\u052f\u1c80-\u1c8f\u1f00-\u1fff"  # Greek and Cyrillic
_WITHIN_A_WORD = r"[^\s/&+.,()\u2010-\u2015-]*"
_MIXED = f"[{_LATIN}]{_WITHIN_A_WORD}[{_ALIKE}]|[{_ALIKE}]{_WITHIN_A_WORD}[{_LATIN}]"
"""A word with Latin letters and such of an alphabet that looks like it (Unicode, UTS 39, section 5.1)."""

ORGANIZATION = View(
    tag="org",
    source="organizations {t}",
    seen=(EVERYONE,),
    columns={
        "id": "'org_' || {t}.id",
        "mixed_scripts": f"({{t}}.display_name ~ '{_MIXED}' or {{t}}.legal_name ~ '{_MIXED}')",
        "did": "(select 'did:web:' || replace(split_part(i.value, '://', 2), ':', '%3A') || ':orgs:' || {t}.handle"
        " from installation i where i.key = 'public_origin')",
    },
)

DOMAIN_CLAIM = View(
    tag="dom",
    source="organization_domains {t}",
    columns={
        "id": "'dom_' || {t}.id",
        "record_name": f"'{LABEL}.' || {{t}}.domain",
        "file_url": f"'https://' || {{t}}.domain || '{FILE}'",
        "verified_at": "case when {t}.state = 'verified' then {t}.proved_at end",
    },
    seen=(holders(Permission.MANAGE_ORGANIZATION),),
)

APPROVAL = View(
    tag="apr",
    source="approvals {t}",
    columns={
        "id": "'apr_' || {t}.id",
        "state": "case when {t}.state = 'proposed' and {t}.expires_at <= {now} then 'expired' else {t}.state end",
        "object_id": "nullif({t}.object, '')",
        "mine": "({t}.proposed_by is not distinct from {actor_person})",
    },
    seen=(members(),),
)

VERIFIED_DOMAINS = (
    "array(select d.domain from organization_domains d where d.organization_id = {t}.id and d.state = 'verified'"
    " order by d.domain)"
)
"""The domains that said that they are the organization's, not long ago."""

ROLES_NOW: Final = "(case when {m}.signing_until <= {now} then array_remove({m}.roles, 'signatory') else {m}.roles end)"
"""The roles of the membership `{m}` that count at `{now}`: `rules_members.roles_in_force` in SQL."""

MEMBERSHIP = View(
    tag="membership",
    source="memberships {t}",
    columns={
        "id": "'membership_' || {t}.id",
        "roles": f"array(select r from unnest({ROLES_NOW.replace('{m}', '{t}')}) r order by 1)",
        "since": "{t}.valid_from",
        "until": "{t}.valid_until",
        "current": "({t}.valid_from <= {now} and ({t}.valid_until is null or {t}.valid_until > {now}))",
        "yours": "({t}.person_id is not distinct from {actor_person})",
        "updated_at": "coalesce({t}.updated_at, {t}.valid_from)",
    },
    seen=(members(), told("the member, whomever they act for", "{t}.person_id = {actor_account}")),
)
"""Of a member nothing is known but roles and times: colleagues see them, and everybody their own, everywhere."""

INVITATION = View(
    tag="invitation",
    source="invitations {t}",
    columns={
        "id": "'invitation_' || {t}.id",
        "roles": "array(select r from unnest({t}.roles) r order by 1)",
        "state": "case when {t}.accepted_at is not null then 'accepted' when {t}.withdrawn_at is not null"
        " then 'withdrawn' when {t}.expires_at <= {now} then 'expired' else 'open' end",
    },
    seen=(holders(Permission.READ_INVITATIONS),),
)

API_TOKEN = View(
    tag="token",
    source="api_tokens {t}",
    columns={
        "id": "'token_' || {t}.id",
        "last_four": "{t}.last4",
        "scopes": "array(select replace(s, ':', '_') from unnest({t}.scopes) s order by 1)",
        "networks": "coalesce({t}.networks, '{}'::text[])",
        "state": "case when {t}.revoked_at is not null then {t}.revoked_because when {t}.expires_at <= {now}"
        " then 'expired' else 'good' end",
        "last_used_at": "(select u.last_used_at from token_uses u where u.token_id = {t}.id)",
        "yours": "({t}.person_id is not distinct from {actor_person})",
    },
    seen=(
        told(
            "the member who made it, acting for its organization",
            "({t}.organization_id = {actor_organization} and {t}.person_id = {actor_person})",
        ),
        holders(Permission.SUPERVISE_TOKENS),
    ),
)
"""What is told of a token is never what it is made of. Its maker sees it, and who supervises the organization's."""

ADDRESSED = "{child}.address_sha256 = sha256(convert_to(lower(btrim({value:text})), 'UTF8'))"
"""The invitations for an address, of which only the digest is kept (`rules_members.address_digest`)."""

INVITED = (
    "{child}.id in (select i.membership_id from invitations i"
    " where i.organization_id = {actor_holding:read_invitations}"
    " and i.address_sha256 = sha256(convert_to(lower(btrim({value:text})), 'UTF8')))"
)
"""The memberships that came of invitations for an address; none for who may not see invitations."""
