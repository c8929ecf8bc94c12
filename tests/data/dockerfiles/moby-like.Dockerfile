# syntax=docker/dockerfile:1

ARG GO_VERSION=1.21.11
ARG BASE_DEBIAN_DISTRO="bookworm"
ARG GOLANG_IMAGE="golang:${GO_VERSION}-${BASE_DEBIAN_DISTRO}"
ARG SYSTEMD="false"
ARG DOCKER_STATIC=1

# cross compilation helper
FROM --platform=$BUILDPLATFORM tonistiigi/xx:1.4.0 AS xx

# dummy stage to make sure the image is built for deps that don't support some
# architectures
FROM --platform=$BUILDPLATFORM busybox AS build-dummy
RUN mkdir -p /build
FROM scratch AS binary-dummy
COPY --from=build-dummy /build /build

# base
FROM --platform=$BUILDPLATFORM ${GOLANG_IMAGE} AS base
COPY --from=xx / /
RUN echo 'Binary::apt::APT::Keep-Downloaded-Packages "true";' > /etc/apt/apt.conf.d/keep-cache
RUN --mount=type=cache,sharing=locked,id=moby-base-aptlib,target=/var/lib/apt \
    --mount=type=cache,sharing=locked,id=moby-base-aptcache,target=/var/cache/apt \
    apt-get update && apt-get install --no-install-recommends -y file
ENV GO111MODULE=off
ENV GOTOOLCHAIN=local

FROM base AS criu
ADD --chmod=0644 https://example.org/criu/Release.key /etc/apt/trusted.gpg.d/criu.gpg.asc
RUN --mount=type=cache,sharing=locked,id=moby-criu-aptlib,target=/var/lib/apt <<-"EOT"
	set -e
	apt-get update
	apt-get install -y --no-install-recommends criu=3.19*
	install -D /usr/sbin/criu /build/criu
EOT

FROM base AS registry-src
WORKDIR /usr/src/registry
RUN git init . && git remote add origin "https://example.org/distribution.git"

FROM base AS registry
WORKDIR /go/src/github.com/docker/distribution
ARG REGISTRY_VERSION=v2.8.3
ARG TARGETPLATFORM
RUN --mount=from=registry-src,src=/usr/src/registry,rw \
    --mount=type=cache,target=/root/.cache/go-build,id=registry-build-$TARGETPLATFORM \
    --mount=type=cache,target=/go/pkg/mod \
    --mount=type=tmpfs,target=/go/src <<EOT
  set -ex
  export GOPATH="/go/src/github.com/docker/distribution/Godeps/_workspace:$GOPATH"
  # Make the /build directory no matter what so that it doesn't need to be created
  mkdir /build
EOT

FROM binary-dummy AS containerd-windows
FROM registry AS dev-systemd-false
COPY --link --from=criu /build/ /usr/local/bin/
FROM dev-systemd-false AS dev-systemd-true
ENV container docker
FROM dev-systemd-${SYSTEMD} AS dev
VOLUME /var/lib/docker
STOPSIGNAL SIGRTMIN+3
ENTRYPOINT ["hack/dind-systemd"]
