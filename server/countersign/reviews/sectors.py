"""Sectors of the economy: the sections of ISIC Rev. 5 (United Nations, 2023), the same as of NACE Rev. 2.1.

A closed list: what an organization reviews and what a call is for are compared by equality.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


class Sector(enum.StrEnum):
    """One section of the classification, by a short name of ours."""

    AGRICULTURE = "agriculture"
    MINING = "mining"
    MANUFACTURING = "manufacturing"
    ENERGY = "energy"
    WATER_AND_WASTE = "water_and_waste"
    CONSTRUCTION = "construction"
    TRADE = "trade"
    TRANSPORT = "transport"
    HOSPITALITY = "hospitality"
    MEDIA = "media"
    TELECOM_AND_COMPUTING = "telecom_and_computing"
    FINANCE = "finance"
    REAL_ESTATE = "real_estate"
    PROFESSIONAL_AND_SCIENTIFIC = "professional_and_scientific"
    ADMINISTRATIVE_SERVICES = "administrative_services"
    PUBLIC_ADMINISTRATION = "public_administration"
    EDUCATION = "education"
    HEALTH_AND_SOCIAL_WORK = "health_and_social_work"
    ARTS_AND_SPORTS = "arts_and_sports"
    OTHER_SERVICES = "other_services"
    HOUSEHOLDS = "households"
    EXTRATERRITORIAL = "extraterritorial"


_COMPUTING: Final = (
    "Telecommunications, computer programming, consultancy, computing infrastructure, and other information service"
    " activities"
)
TITLES: Final[Mapping[Sector, tuple[str, str]]] = MappingProxyType(
    dict(
        zip(
            Sector,
            (
                ("A", "Agriculture, forestry and fishing"),
                ("B", "Mining and quarrying"),
                ("C", "Manufacturing"),
                ("D", "Electricity, gas, steam and air conditioning supply"),
                ("E", "Water supply; sewerage, waste management and remediation activities"),
                ("F", "Construction"),
                ("G", "Wholesale and retail trade"),
                ("H", "Transportation and storage"),
                ("I", "Accommodation and food service activities"),
                ("J", "Publishing, broadcasting, and content production and distribution activities"),
                (
                    "K",
                    _COMPUTING,
                ),
                ("L", "Financial and insurance activities"),
                ("M", "Real estate activities"),
                ("N", "Professional, scientific and technical activities"),
                ("O", "Administrative and support service activities"),
                ("P", "Public administration and defence; compulsory social security"),
                ("Q", "Education"),
                ("R", "Human health and social work activities"),
                ("S", "Arts, sports and recreation"),
                ("T", "Other service activities"),
                ("U", "Activities of households as employers, and of households for own use"),
                ("V", "Activities of extraterritorial organizations and bodies"),
            ),
            strict=True,
        )
    )
)
"""The letter and the title of each section."""
