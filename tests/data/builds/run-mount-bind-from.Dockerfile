# compare: buildkit
FROM bb:1 AS src
RUN mkdir /x && echo x > /x/f
FROM bb:1
RUN --mount=type=bind,from=src,source=/x,target=/tmp cp /tmp/f /got
