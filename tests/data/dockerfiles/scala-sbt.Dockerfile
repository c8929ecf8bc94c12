ARG BASE_IMAGE_TAG=21.0.2_13-jdk-jammy
FROM eclipse-temurin:${BASE_IMAGE_TAG}
ARG SCALA_VERSION=3.4.2
ARG SBT_VERSION=1.10.0
ARG USER_ID=1001
ARG GROUP_ID=1001
ENV SCALA_VERSION=${SCALA_VERSION}
ENV SBT_VERSION=${SBT_VERSION}
RUN \
  curl -fsL "https://example.org/sbt/releases/download/v$SBT_VERSION/sbt-$SBT_VERSION.tgz" | tar xfz - -C /usr/share && \
  ln -s /usr/share/sbt/bin/sbt /usr/local/bin/sbt
RUN \
  case $SCALA_VERSION in \
    2.*) URL=https://example.org/scala/$SCALA_VERSION/scala-$SCALA_VERSION.tgz SCALA_DIR=/usr/share/scala-$SCALA_VERSION ;; \
    # no Scala 3 package yet, use the compiler
    3.*) URL=https://example.org/dotty/releases/download/$SCALA_VERSION/scala3-$SCALA_VERSION.tar.gz SCALA_DIR=/usr/share/scala3-$SCALA_VERSION ;; \
  esac
USER sbtuser
WORKDIR /home/sbtuser
CMD sbt
