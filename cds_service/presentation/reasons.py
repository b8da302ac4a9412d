"""Why something is not known, in the words of a card; what was merely never recorded needs none."""

from collections.abc import Mapping

from cds_service.facts.model import Reason

WHY_UNKNOWN: Mapping[Reason, str] = {
    Reason.NOT_DELIVERED: "not delivered",
    Reason.INCOMPLETE: "list incomplete",
    Reason.TOO_OLD: "too old",
    Reason.FUTURE: "dated in the future",
    Reason.UNDATED: "no date",
    Reason.DATE_IMPRECISE: "date too imprecise",
    Reason.NO_UNIT: "no unit",
    Reason.UNIT_NOT_DECLARED: "unit not accepted",
    Reason.IMPLAUSIBLE: "implausible value",
    Reason.UNREADABLE: "unreadable",
    Reason.STRADDLES: "reported as a range across the limit",
    Reason.SUSPECT_SAMPLE: "sample suspect",
    Reason.MASKED: "says nothing with",
    Reason.NO_RANGE: "no reference range",
    Reason.RANGES_DIFFER: "several reference ranges that differ",
    Reason.ANSWERS_DIFFER: "answers of one time that differ",
    Reason.ONLY_NAMED: "known by its name only",
    Reason.FAULT: "could not be computed",
}
