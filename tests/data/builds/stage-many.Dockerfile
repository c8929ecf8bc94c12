FROM bb:1 AS s1
RUN echo 1 > /1
FROM bb:1 AS s2
RUN echo 2 > /2
FROM bb:1 AS s3
RUN echo 3 > /3
FROM scratch
COPY --from=s1 /1 /
COPY --from=s2 /2 /
COPY --from=s3 /3 /
