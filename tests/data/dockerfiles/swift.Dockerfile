FROM ubuntu:22.04
LABEL maintainer="Swift Infrastructure <swift-infrastructure@example.org>"
LABEL description="Docker Container for the Swift programming language"

RUN export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true && apt-get -q update && \
    apt-get -q install -y binutils git && rm -r /var/lib/apt/lists/*

# Everything up to here should cache nicely between Swift versions, assuming dev dependencies change little

ARG SWIFT_SIGNING_KEY=A62AE125BBBFBB96A6E042EC925CC1CCED3D1561
ARG SWIFT_PLATFORM=ubuntu22.04
ARG SWIFT_BRANCH=swift-5.10.1-release
ARG SWIFT_VERSION=swift-5.10.1-RELEASE
ARG SWIFT_WEBROOT=https://example.org
ENV SWIFT_SIGNING_KEY=$SWIFT_SIGNING_KEY \
    SWIFT_PLATFORM=$SWIFT_PLATFORM \
    SWIFT_BRANCH=$SWIFT_BRANCH \
    SWIFT_VERSION=$SWIFT_VERSION \
    SWIFT_WEBROOT=$SWIFT_WEBROOT
RUN set -e; \
    SWIFT_WEBDIR="$SWIFT_WEBROOT/$SWIFT_BRANCH/$(echo $SWIFT_PLATFORM | tr -d .)$OS_ARCH_SUFFIX" \
    # - Unpack the toolchain, set libs permissions, and clean up.
    && curl -fsSL "$SWIFT_WEBDIR.tar.gz" -o swift.tar.gz \
    && tar -xzf swift.tar.gz --directory / --strip-components=1

# Print Installed Swift Version
RUN swift --version
