"""Whose a resource is, and the type and the id that a literal reference names."""

from cds_service.fhir.resources import AnyResource, Reference


def subject_of(resource: AnyResource) -> str | None:
    """The reference that says whose resource this is; None where there is none.

    Without a literal reference the search is believed, unless `is_of_no_patient`.
    """
    holder = _holder(resource)
    return None if holder is None else holder.reference


def is_of_no_patient(resource: AnyResource) -> bool:
    """Whether the type of a subject that is named by no literal reference says that it is no patient."""
    holder = _holder(resource)
    return holder is not None and holder.reference is None and holder.type not in (None, "Patient")


def _holder(resource: AnyResource) -> Reference | None:
    holder = getattr(resource, "subject", None) or getattr(resource, "patient", None)
    return holder if isinstance(holder, Reference) else None


def last_segment(reference: str) -> str:
    """The id at the end of a reference: `Patient/1`, an absolute URL, or a URN."""
    if reference.startswith(("urn:uuid:", "urn:oid:")):
        return reference[reference.index(":", 4) + 1 :]
    return reference.split("/_history/", 1)[0].rstrip("/").rsplit("/", 1)[-1]


def type_in(reference: str) -> str:
    """The resource type a literal reference names; empty for a URN or a bare id."""
    if reference.startswith("urn:"):
        return ""
    parts = reference.split("/_history/", 1)[0].rstrip("/").split("/")
    return parts[-2] if len(parts) > 1 else ""
