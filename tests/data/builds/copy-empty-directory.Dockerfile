FROM bb:1
COPY d/empty /e
COPY d/empty/ /f/
