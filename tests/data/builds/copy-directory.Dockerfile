FROM bb:1
COPY d /d
COPY d /into/
COPY d/ /slash
COPY d/. /dot
