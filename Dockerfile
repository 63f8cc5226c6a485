# The control plane and the runner agent, one target each.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS service-dependencies
COPY requirements-service.lock /tmp/
RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=ca_bundle \
    if [ -f /run/secrets/ca_bundle ]; then export PIP_CERT=/run/secrets/ca_bundle; fi \
    && python -m venv /opt/axion && /opt/axion/bin/pip install --cache-dir /var/cache/pip --require-hashes -r /tmp/requirements-service.lock

FROM ${PYTHON_IMAGE} AS runner-dependencies
COPY requirements-runner.lock /tmp/
RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=ca_bundle \
    if [ -f /run/secrets/ca_bundle ]; then export PIP_CERT=/run/secrets/ca_bundle; fi \
    && python -m venv /opt/axion && /opt/axion/bin/pip install --cache-dir /var/cache/pip --require-hashes -r /tmp/requirements-runner.lock

# The operators' pages, whose reference is read from the code.
FROM ${PYTHON_IMAGE} AS documentation
COPY requirements-docs.lock /tmp/
RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=ca_bundle \
    if [ -f /run/secrets/ca_bundle ]; then export PIP_CERT=/run/secrets/ca_bundle; fi \
    && python -m venv /opt/axion && /opt/axion/bin/pip install --cache-dir /var/cache/pip --require-hashes -r /tmp/requirements-docs.lock
WORKDIR /app
COPY mkdocs.yml .env.example ./
COPY docs docs
COPY axion_deploy axion_deploy
COPY deployments deployments
COPY agents agents
COPY stackgen stackgen
RUN NO_MKDOCS_2_WARNING=1 /opt/axion/bin/python -m mkdocs --quiet build --strict \
    && /opt/axion/bin/pybabel compile --directory axion_deploy/locale --domain "django djangojs stored"

FROM ${PYTHON_IMAGE} AS control-plane
RUN useradd --system --uid 10001 --no-create-home axion
ENV PATH=/opt/axion/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=service-dependencies /opt/axion /opt/axion
COPY manage.py requirements-runner.lock ./
COPY axion_deploy axion_deploy
COPY deployments deployments
COPY agents agents
COPY stackgen stackgen
COPY templates templates
COPY --from=documentation /app/build/docs build/docs
COPY --from=documentation /app/axion_deploy/locale axion_deploy/locale
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
COPY agents/__init__.py agents/addresses.py agents/backoff.py agents/condition.py agents/limits.py agents/
COPY agents/kafka_link agents/kafka_link
COPY agents/pki agents/pki
COPY agents/reports agents/reports
COPY agents/contracts agents/contracts
COPY agents/runner agents/runner
VOLUME /var/lib/axion-agent
CMD ["python", "-m", "agents.runner"]
