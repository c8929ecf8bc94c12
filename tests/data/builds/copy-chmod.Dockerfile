# compare: buildkit
FROM bb:1
COPY --chmod=600 a.txt /a
COPY --chmod=755 d /d
