FROM bb:1
VOLUME /a
VOLUME ["/b", "/c d"]
VOLUME /e /f
