"""Lets `python -m cds_service` do what `cds-service` does."""

from cds_service.cli.main import main

if __name__ == "__main__":
    main()
