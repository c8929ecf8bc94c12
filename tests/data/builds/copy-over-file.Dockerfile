FROM bb:1
COPY a.txt /x
COPY b.txt /x
