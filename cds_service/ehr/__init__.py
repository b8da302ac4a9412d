"""What is asked of the EHR's own servers: what prefetch did not bring, and the keys of a client."""
