FROM bb:1 AS a
RUN echo a > /a
FROM a AS b
RUN echo b > /b
FROM b
COPY --from=a /a /again
