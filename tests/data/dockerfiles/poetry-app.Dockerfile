# syntax=docker/dockerfile:1.7-labs
ARG PYTHON=3.12
FROM python:${PYTHON}-slim AS builder
ENV POETRY_NO_INTERACTION=1 \
    POETRY_VIRTUALENVS_IN_PROJECT=1 \
    POETRY_CACHE_DIR=/tmp/poetry_cache
RUN pip install poetry==1.8.3
WORKDIR /app
COPY --parents pyproject.toml poetry.lock libs/*/pyproject.toml ./
RUN --mount=type=cache,target=$POETRY_CACHE_DIR poetry install --without dev --no-root

FROM python:${PYTHON}-slim AS runtime
ENV VIRTUAL_ENV=/app/.venv \
    PATH="/app/.venv/bin:$PATH"
COPY --link --from=builder ${VIRTUAL_ENV} ${VIRTUAL_ENV}
COPY --exclude=*.md --exclude=tests app ./app
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s --retries=3 CMD ["python", "-m", "app.health"]
ENTRYPOINT ["python", "-m", "app.main"]
