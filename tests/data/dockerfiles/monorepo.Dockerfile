# syntax=docker/dockerfile:1-labs
FROM ubuntu:24.04 AS base
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN --security=insecure --mount=type=secret,id=token,env=TOKEN,required=true \
    --mount=type=ssh --mount=type=tmpfs,target=/scratch,size=64m \
    git clone git@example.org:team/repo /repo
FROM base AS api
COPY --parents ./packages/*/package.json ./lib/./shared/**/*.json /app/
RUN curl -sSf https://example.org | tar xz -C /opt
FROM base AS web
COPY --from=api /app /app
FROM web AS final
