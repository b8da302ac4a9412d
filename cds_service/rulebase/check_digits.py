"""Codes that cannot be codes: wrong check digit, wrong form, a system that must not be used.

SNOMED CT identifiers end in a Verhoeff digit, LOINC numbers in a mod-10 digit after a hyphen.
"""

import re

_LOINC = re.compile(r"(\d{1,7})-(\d)")
_ICD_10_CM = re.compile(r"[A-TV-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?")
_ATC = re.compile(r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?")
_FORBIDDEN = {"cpt": "CPT is licensed: no CPT codes", "hcpcs": "HCPCS imaging codes are licensed"}

_DIHEDRAL = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_SHIFTS = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def wrong_code(system: str, code: str) -> str:
    """What is wrong with `code` as a member of the system with this short name; empty if nothing."""
    if system in _FORBIDDEN:
        return _FORBIDDEN[system]
    if system == "snomed" and not verhoeff(code):
        return f"{code} is not a SNOMED CT identifier: its check digit is wrong"
    if system == "loinc" and not loinc(code):
        return f"{code} is not a LOINC number: its check digit is wrong"
    if system == "icd-10-cm" and not _ICD_10_CM.fullmatch(code):
        return f"{code} is not of the form of an ICD-10-CM code (with its dot)"
    if system == "atc" and not _ATC.fullmatch(code):
        return f"{code} is not of the form of an ATC code"
    return ""


def verhoeff(identifier: str) -> bool:
    """Whether a SNOMED CT identifier's last digit is right."""
    if not identifier.isascii() or not identifier.isdigit() or len(identifier) < 6:  # noqa: PLR2004
        return False
    check = 0
    for place, digit in enumerate(reversed(identifier)):
        check = int(_DIHEDRAL[check][int(_SHIFTS[place % 8][int(digit)])])
    return check == 0


def loinc(number: str) -> bool:
    """Whether a LOINC number's check digit is right."""
    form = _LOINC.fullmatch(number)
    if form is None:
        return False
    total = 0
    for place, digit in enumerate(reversed(form[1])):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return (10 - total % 10) % 10 == int(form[2])
