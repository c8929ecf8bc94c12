# compare: buildkit
FROM bb:1
VOLUME /v
RUN mkdir -p /v && echo kept > /v/f
