FROM bb:1
COPY a.txt /
COPY a.txt /renamed
COPY a.txt /dir/
COPY a.txt /deep/er/file
