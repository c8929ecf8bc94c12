FROM bb:1
WORKDIR /srv/
WORKDIR ./sub/
