# compare: buildkit
FROM bb:1
RUN --mount=type=bind,target=/tmp cp /tmp/a.txt /copied
