"""What the verification page says, in English and in Russian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = ("en", "ru")

TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("Check a credential", "Проверка документа"),
    "lead": (
        "Paste an endorsement or an award as JSON. It is judged here and now; it is not kept, and nothing is fetched.",
        "Вставьте подтверждение или награду в виде JSON. Ничего не сохраняется и не загружается из сети.",
    ),
    "paste": ("Credential (JSON)", "Документ (JSON)"),
    "check": ("Check", "Проверить"),
    "verdict": ("Verdict", "Вывод"),
    "checked_at": ("Checked at", "Проверено"),
    "name": ("Name", "Название"),
    "issuer": ("Issued by", "Кем выдано"),
    "about": ("About", "О чём"),
    "says": ("In the issuer's words", "Слова выдавшего"),
    "evidence": ("Evidence", "Свидетельства"),
    "valid": ("Valid", "Действует"),
    "awarded": ("Earned", "Получено"),
    "from_until": ("from {start} until {end}", "с {start} до {end}"),
    "from": ("from {start}", "с {start}"),
    "raw": ("The signed document", "Подписанный документ"),
    "checks": ("What was checked", "Что проверено"),
    "inside": ("Inside it", "Внутри документа"),
    "place": ("Where", "Место"),
    "another": ("Check another credential", "Проверить другой документ"),
    "erased_title": ("Erased by its holder", "Удалено владельцем"),
    "erased": (
        "Its holder had it erased: nobody here can read it. Their own copy is as valid as ever; paste it to check it.",
        "Владелец удалил этот документ: здесь его никто не прочитает. Копия владельца действительна; вставьте её.",
    ),
    "absent_title": ("There is nothing here", "Здесь ничего нет"),
    "absent": (
        "Nothing is published under this address. Ask whoever gave it to you for the full one.",
        "По этому адресу ничего не опубликовано. Попросите полный адрес у того, кто вам его дал.",
    ),
    "too_large": ("It is larger than 256 KB.", "Документ больше 256 КБ."),
    "crowded": (
        "Many documents are being judged now; try again soon.",
        "Сейчас проверяется много документов; повторите чуть позже.",
    ),
    "language": ("Language", "Язык"),
    # links of letters
    "confirm_title": ("Confirm your address", "Подтверждение адреса"),
    "confirm_lead": (
        "Notices for a member of an organization will be sent to this address from now on.",
        "На этот адрес будут приходить уведомления для участника организации.",
    ),
    "confirm_button": ("Confirm", "Подтвердить"),
    "confirm_done_title": ("Confirmed", "Адрес подтверждён"),
    "confirm_done": ("Notices are sent to this address now.", "Теперь уведомления приходят на этот адрес."),
    "unsubscribe_title": ("No more letters", "Отписка"),
    "unsubscribe_lead": ("Nothing more will be sent to this address.", "На этот адрес больше ничего не придёт."),
    "unsubscribe_button": ("Send nothing more", "Больше не присылать"),
    "unsubscribe_done_title": ("Done", "Готово"),
    "unsubscribe_done": (
        "Nothing more is sent to this address. Your inbox on Countersign stays as it is.",
        "Больше ничего не придёт. Входящие на Countersign остаются как есть.",
    ),
    "link_gone_title": ("This link is not good", "Ссылка не действует"),
    "link_gone": (
        "It is incomplete, or its time is over. Set your address again to get a new one.",
        "Она неполная или устарела. Укажите адрес ещё раз, чтобы получить новую.",
    ),
    # organizations and versions
    "fictional": ("This organization is made up for the demonstration.", "Эта организация вымышлена для демонстрации."),
    "legal_name": ("Legal name", "Юридическое название"),
    "kind": ("Kind", "Вид"),
    "kind_school": ("school", "школа"),
    "kind_employer": ("employer", "работодатель"),
    "kind_agency": ("agency", "агентство"),
    "kind_platform": ("platform", "платформа"),
    "country": ("Country", "Страна"),
    "domains": ("Domains", "Домены"),
    "verification": ("Verification", "Проверка"),
    "verification_unverified": ("not verified", "не проверена"),
    "verification_domain_verified": ("domain verified", "домен подтверждён"),
    "verification_verified": ("verified", "проверена"),
    "verification_suspended": ("suspended", "приостановлена"),
    "keys": ("Signing keys (DID document)", "Ключи подписи (документ DID)"),
    "criteria": ("How it is earned", "Как это получить"),
    "digest_of_text": ("SHA-256 of spec.json", "SHA-256 файла spec.json"),
    "achievement": ("Frozen achievement (Open Badges)", "Замороженное достижение (Open Badges)"),
    "spec_json": ("Frozen specification", "Замороженная спецификация"),
    # outcomes
    "passed": ("good", "в порядке"),
    "failed": ("wrong", "ошибка"),
    "not_checked": ("not checked", "не проверялось"),
    "not_reached": ("nobody answered", "никто не ответил"),
    # checks
    "size": ("Size", "Размер"),
    "syntax": ("Syntax", "Синтаксис"),
    "contexts": ("Vocabulary", "Словари"),
    "schema": ("Form", "Форма"),
    "terms": ("Nothing unsigned", "Нет неподписанного"),
    "proof": ("Signature", "Подпись"),
    "dates": ("Dates", "Даты"),
    "status": ("Not revoked", "Не отозвано"),
    "subject": ("Subject", "Предмет"),
    "digest": ("Exact text", "Точный текст"),
    "issuer_standing": ("Issuer", "Организация"),
    "embedded": ("Embedded", "Вложенное"),
    # verdicts
    "VALID": ("Valid: every check passed.", "Действителен: все проверки пройдены."),
    "SUPERSEDED": ("Good, and a successor is named.", "Верен, но указан преемник."),
    "STATUS_UNAVAILABLE": (
        "Signed, but whether it was revoked cannot be told.",
        "Подписан, но нельзя узнать, не отозван ли он.",
    ),
    "NOT_YET_VALID": ("Not valid yet.", "Ещё не действует."),
    "EXPIRED": ("It ran out.", "Срок действия истёк."),
    "UNTRUSTED_ISSUER": (
        "The issuer is not a verified organization of this site.",
        "Выдавший не является проверенной организацией этого сайта.",
    ),
    "SUSPENDED": ("The issuer has suspended it.", "Действие приостановлено выдавшим."),
    "REVOKED": ("The issuer has revoked it.", "Отозван выдавшим."),
    "SUBJECT_MISMATCH": ("It endorses something else.", "Подтверждение относится к другому предмету."),
    "DIGEST_MISMATCH": (
        "It is about other text than what is published.",
        "Опубликованный текст отличается от подписанного.",
    ),
    "BAD_PROOF": ("The signature does not hold: do not rely on it.", "Подпись неверна: полагаться на документ нельзя."),
    "UNDEFINED_TERMS": (
        "It holds text that no signature covers: do not rely on it.",
        "В документе есть текст, не защищённый подписью: полагаться на него нельзя.",
    ),
    "SCHEMA_INVALID": ("It is no credential that can be read.", "Это не документ, который можно прочесть."),
    "UNKNOWN_CONTEXT": ("Its vocabulary is not known here.", "Его словарь здесь неизвестен."),
    "TOO_COMPLEX": ("It is too large or too complex to judge.", "Он слишком велик или сложен для проверки."),
}


def text(language: str, name: str, **values: str) -> str:
    """Give a text in a language of `LANGUAGES`."""
    return TEXTS[name][LANGUAGES.index(language)].format(**values)


def choose(asked: str | None, accepted: str) -> str:
    """Choose the language: the one asked for in the address, else the first of ours that the browser accepts."""
    if asked in LANGUAGES:
        return asked
    for part in accepted.split(","):
        tag = part.partition(";")[0].strip().lower().partition("-")[0]
        if tag in LANGUAGES:
            return tag
    return LANGUAGES[0]
