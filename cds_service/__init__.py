"""A CDS Hooks service for the patient whose legs feel heavy when walking."""

__version__ = "0.1.0"
