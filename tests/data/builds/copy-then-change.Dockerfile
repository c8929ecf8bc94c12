FROM bb:1
COPY d /d
RUN echo changed > /d/x && rm /d/e/y && chmod 711 /d/e
