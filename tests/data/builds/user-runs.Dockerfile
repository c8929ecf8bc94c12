# compare: classic
FROM bb:1
USER bob
RUN id > /tmp/who
USER 7:8
RUN id > /tmp/seven
