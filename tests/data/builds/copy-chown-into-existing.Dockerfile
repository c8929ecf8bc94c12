FROM bb:1
RUN mkdir -p /ex/e && chown 5:6 /ex /ex/e && chmod 711 /ex
COPY --chown=1:2 a.txt /ex/
COPY --chown=3:4 d /ex
COPY --chown=7 d2 /ex/new
