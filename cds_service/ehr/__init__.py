"""The EHR's own FHIR server: what prefetch did not bring."""
