# compare: buildkit
FROM bb:1
USER bob
WORKDIR /home/bob/work
RUN touch mine
