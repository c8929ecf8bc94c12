FROM bb:1 AS one
ARG A=inner
ENV V=$A
FROM bb:1
ENV V=${A:-gone}
