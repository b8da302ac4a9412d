"""HTTP: the addresses of CDS Hooks, the errors, and the page to try it on."""
