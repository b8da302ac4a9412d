"""Reading FHIR R4 JSON: resources, quantities, partial dates, and what arrived."""
