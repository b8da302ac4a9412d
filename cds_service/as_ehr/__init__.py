"""The other side of the protocol: puts patients on a FHIR server, and calls the service as an EHR does.

For trying the service out. It knows the specifications and addresses, and nothing of how we answer.
"""
