# compare: classic
FROM bb:1
RUN ls -a /etc > /tmp/list; test -f /etc/resolv.conf
