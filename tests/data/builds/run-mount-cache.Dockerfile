# compare: buildkit
FROM bb:1
RUN --mount=type=cache,target=/tmp echo x > /tmp/f && cp /tmp/f /out
