# compare: buildkit
FROM bb:1
COPY --chown=12:34 d /n
COPY --chown=bob a.txt /u
COPY --chown=0:bob a.txt /g
