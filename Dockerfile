# The control plane and the runner agent, one target each.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS service-dependencies
COPY requirements-service.lock /tmp/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=ca_bundle \
    if [ -f /run/secrets/ca_bundle ]; then export PIP_CERT=/run/secrets/ca_bundle; fi \
    && python -m venv /opt/axion && /opt/axion/bin/pip install --require-hashes -r /tmp/requirements-service.lock

FROM ${PYTHON_IMAGE} AS runner-dependencies
COPY requirements-runner.lock /tmp/
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=ca_bundle \
    if [ -f /run/secrets/ca_bundle ]; then export PIP_CERT=/run/secrets/ca_bundle; fi \
    && python -m venv /opt/axion && /opt/axion/bin/pip install --require-hashes -r /tmp/requirements-runner.lock

FROM ${PYTHON_IMAGE} AS control-plane
RUN useradd --system --uid 10001 --no-create-home axion
ENV PATH=/opt/axion/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=service-dependencies /opt/axion /opt/axion
COPY manage.py ./
COPY axion_deploy axion_deploy
COPY deployments deployments
COPY agents agents
COPY stackgen stackgen
COPY templates templates
RUN DATABASE_URL=postgres:/// REDIS_URL=redis:/// AXION_SECRET_KEY=build \
    AXION_ENCRYPTION_KEYS=1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= python manage.py collectstatic --noinput
USER axion
CMD ["python", "manage.py", "run_web", "--bind", "0.0.0.0:8000"]

# Speaks to the host's engine through /var/run/docker.sock, so it needs Docker's command line with Compose and Buildx.
FROM ${PYTHON_IMAGE} AS runner
RUN apt-get update && apt-get install -y --no-install-recommends docker-cli docker-compose docker-buildx \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/axion/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=runner-dependencies /opt/axion /opt/axion
COPY agents/__init__.py agents/addresses.py agents/backoff.py agents/limits.py agents/report_bounds.py agents/
COPY agents/contracts agents/contracts
COPY agents/runner agents/runner
VOLUME /var/lib/axion-agent
CMD ["python", "-m", "agents.runner"]
