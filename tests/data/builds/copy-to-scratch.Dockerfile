FROM scratch
COPY a.txt /
COPY d /deep/path/d
