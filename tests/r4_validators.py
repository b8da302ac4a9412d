"""Three validators of R4 that are not ours: what each objects to in a resource.

None of them finds everything: the models of fhir.resources and fhirkit-rs know elements, types and
cardinality, pyrofile-validator also which codes an element takes and what a reference may point at.
"""

import json
import re
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import fhirkit
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pyrofile_validator import Validator

Issue = tuple[str, str]


@cache
def _pyrofile() -> Any:
    return Validator()


def by_models(resource: Mapping[str, Any]) -> list[str]:
    """What the R4B models of fhir.resources object to."""
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return []


def by_fhirkit(resource: Mapping[str, Any]) -> list[str]:
    """What fhirkit-rs objects to."""
    return [f"{one.path}: {one.message}" for one in fhirkit.validate(json.dumps(resource))]


def by_pyrofile(resource: Mapping[str, Any]) -> list[Issue]:
    """What pyrofile-validator objects to in a resource, or in a bundle and all that it holds."""
    return [
        (issue.code, re.sub(r"\[\d+\]", "", issue.path))
        for issue in _pyrofile().validate_resource(resource).issues
    ]


ALL: Mapping[str, Callable[[Mapping[str, Any]], list[Any]]] = {
    "models": by_models,
    "fhirkit": by_fhirkit,
    "pyrofile": by_pyrofile,
}
