ARG DENO_VERSION=1.44.4
ARG BIN_IMAGE=denoland/deno:bin-${DENO_VERSION}
FROM ${BIN_IMAGE} AS bin
FROM frolvlad/alpine-glibc:alpine-3.13 AS cc
FROM gcr.io/distroless/cc
COPY --from=bin /deno /bin/deno
COPY --from=cc --chown=root:root --chmod=755 /lib/*-linux-gnu/* /usr/local/lib/
RUN ["/bin/deno", "--version"]
ENV LD_LIBRARY_PATH="/usr/local/lib"
ENV DENO_USE_CGROUPS=1
ENTRYPOINT ["/bin/deno"]
CMD ["eval", "console.log('Welcome to Deno!')"]
