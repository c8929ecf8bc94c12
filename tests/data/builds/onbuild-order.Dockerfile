FROM bb:1 AS base
ONBUILD RUN echo 1 >> /log
ONBUILD RUN echo 2 >> /log
FROM base
RUN echo 3 >> /log
