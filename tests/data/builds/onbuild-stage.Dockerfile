FROM bb:1 AS base
ONBUILD ENV FROM_TRIGGER=yes
ONBUILD COPY a.txt /triggered
ONBUILD WORKDIR /trig
FROM base
LABEL child=yes
