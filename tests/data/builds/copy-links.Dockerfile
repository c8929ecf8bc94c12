# compare: classic
FROM bb:1
COPY link /
COPY links /links
