# compare: buildkit
FROM bb:1
RUN --mount=type=tmpfs,target=/tmp echo x > /tmp/f && cp /tmp/f /kept
