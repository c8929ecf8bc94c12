# compare: buildkit
FROM bb:1 AS base
ENV E=1
WORKDIR /w
LABEL l=1
EXPOSE 1
VOLUME /v
STOPSIGNAL INT
USER bob
FROM base
RUN pwd > /tmp/where
