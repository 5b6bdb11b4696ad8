"""A specification with everything that publication asks for, and a tool to change one place of it."""

from copy import deepcopy
from typing import Any, Final

COMPLETE: Final[dict[str, Any]] = {
    "title": "A/B testing for product metrics in Python",
    "language": "en",
    "summary": "Four weeks from a question about a product to a decision that holds.",
    "description": "Designs, runs and reads an online controlled experiment.",
    "outcomes": [
        {
            "id": "report",
            "statement": "Plans and evaluates an online controlled experiment and recommends a decision.",
            "primary": True,
            "criterion": "An experiment report graded by four criteria",
            "threshold": "at least 3 of 4 on every criterion",
            "conditions": "own laptop, open documentation, five working days",
            "skills": ["http://data.europa.eu/esco/skill/00000000-0000-4000-8000-000000000000"],
        },
        {"id": "power", "statement": "Computes the sample size that an experiment needs."},
    ],
    "assessment": {
        "types": ["application_of_a_skill"],
        "description": "Pass the graded experiment report (4 rubric criteria) and a 30-minute viva.",
        "rubric": [
            {
                "id": "report",
                "name": "Experiment report",
                "levels": [{"id": "ready", "name": "Ready for work", "level": "3"}],
                "requiredLevel": "ready",
            }
        ],
        "passMark": "3 of 4 on every criterion",
        "supervision": "supervised_with_identity_verification",
    },
    "toolchain": [{"name": "Python", "version": "3.13", "checkedOn": "2026-09-20"}],
    "skills": [{"uri": "http://data.europa.eu/esco/skill/00000000-0000-4000-8000-000000000000"}],
    "workloadHours": "75",
    "ects": "3",
    "eqfLevel": 6,
    "participation": "online",
    "qualityAssurance": {"type": "internal", "description": "Reviewed twice a year by the academic board."},
    "languages": ["en"],
    "duration": "P4W",
    "price": {"amount": "480", "currency": "EUR"},
    "prerequisites": "Python at the level of functions and tables.",
    "integration": "stackable",
    "stackableTowards": "Product analytics diploma",
    "tags": ["experimentation", "Python"],
}


def changed(**fields: Any) -> dict[str, Any]:
    """The complete specification with these top-level fields instead; `...` as value leaves the field out."""
    document = deepcopy(COMPLETE)
    for name, value in fields.items():
        if value is ...:
            del document[name]
        else:
            document[name] = value
    return document
