FROM bb:1
RUN mkdir -p /d/e && echo old > /d/e/y && echo own > /d/own && chmod 700 /d
COPY d /d
