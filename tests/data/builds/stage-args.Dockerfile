ARG V=global
FROM bb:1 AS a
ARG V
RUN echo $V > /v
FROM bb:1
ARG V=local
COPY --from=a /v /
LABEL v=$V
