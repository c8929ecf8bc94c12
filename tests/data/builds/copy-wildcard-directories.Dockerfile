FROM bb:1
COPY d* /w/
