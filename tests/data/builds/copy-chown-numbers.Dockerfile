FROM bb:1
COPY --chown=12:34 d /n
COPY --chown=5 a.txt /five
