# One image for every process of ours; docker-compose.yml says which one a container runs.
FROM python:3.11-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/playkeeper
COPY requirements.lock .
RUN /opt/playkeeper/bin/pip install --require-hashes -r requirements.lock

FROM python:3.11-slim-bookworm
ENV PATH=/opt/playkeeper/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PLAYKEEPER_LOG_FORMAT=json
RUN useradd --system --uid 10001 --home-dir /app playkeeper \
    && mkdir -p /var/lib/playkeeper && chown playkeeper /var/lib/playkeeper \
    && printf '#!/bin/sh\nexec python -m cli.main "$@"\n' > /usr/local/bin/playkeeper && chmod 755 /usr/local/bin/playkeeper
COPY --from=packages /opt/playkeeper /opt/playkeeper
WORKDIR /app
COPY logs.py settings.py worker.py ./
COPY activities activities
COPY api api
COPY cli cli
COPY connectors connectors
COPY enrollment enrollment
COPY playbook_dsl playbook_dsl
COPY playbooks playbooks
COPY scoring scoring
COPY simulation simulation
COPY storage storage
COPY web web
COPY workflows workflows
USER playkeeper
ENV PLAYKEEPER_DATA_DIR=/var/lib/playkeeper
CMD ["playkeeper", "--help"]
