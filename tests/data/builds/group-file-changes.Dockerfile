# compare: classic
FROM bb:1
RUN echo team:x:777:bob >> /etc/group && echo member:x:4000:777::/:/bin/sh >> /etc/passwd
USER member:team
RUN id > /tmp/id
USER bob
RUN id > /tmp/bob
