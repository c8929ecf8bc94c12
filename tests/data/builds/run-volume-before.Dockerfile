FROM bb:1
RUN mkdir /v && echo kept > /v/f
VOLUME /v
