# The service alone, for docker-compose.yml and for a host of your own, from the same hash-pinned locks as `make run`.
# Callers must prove who they are (CDS_CLIENTS); to try it without, on loopback only:
#   docker build -t heavy-legs-cds .
#   docker run --rm -p 127.0.0.1:8080:8080 -e CDS_AUTH=off -v cds-audit:/var/lib/cds-service heavy-legs-cds

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /build
# Two environments: what it runs on goes into the image, what it is built with stays here.
COPY requirements/run.lock requirements/build.lock requirements/
RUN python -m venv /opt/cds-service \
    && python -m venv /opt/build \
    && /opt/cds-service/bin/pip install --no-deps --require-hashes --only-binary :all: -r requirements/run.lock \
    && /opt/build/bin/pip install --no-deps --require-hashes --only-binary :all: -r requirements/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY cds_service cds_service
COPY cards cards
COPY fhir_fixtures fhir_fixtures
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/cds-service/bin/pip install --no-deps --no-index /wheels/*.whl \
    && /opt/cds-service/bin/pip uninstall --yes pip

FROM python:3.11-slim
COPY --from=build /opt/cds-service /opt/cds-service
# Its own user, owner of nothing but the folder of the audit log.
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin cds \
    && install -d -o cds -m 0700 /var/lib/cds-service
ENV PATH=/opt/cds-service/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CDS_AUDIT_DB=/var/lib/cds-service/audit.sqlite3
USER 10001
WORKDIR /var/lib/cds-service
VOLUME /var/lib/cds-service
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
# All addresses of the container; which of the host's reach it is the publisher's choice (docker-compose.yml: loopback).
CMD ["cds-service", "serve", "--host", "0.0.0.0", "--port", "8080"]
