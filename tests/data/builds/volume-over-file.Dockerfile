# compare: buildkit
FROM bb:1
VOLUME /etc/passwd
RUN test -f /etc/passwd
