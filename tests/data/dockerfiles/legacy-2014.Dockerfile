# Version 0.3
FROM    ubuntu:14.04
MAINTAINER Someone Old "old@example.org"

RUN apt-get update
RUN apt-get install -y redis-server     supervisor

ADD . /src
ADD supervisord.conf /etc/supervisor/conf.d/supervisord.conf
ENV DEBIAN_FRONTEND noninteractive
EXPOSE 22 6379 127.0.0.1:8080:80
VOLUME ["/var/log/", "/data"]
USER daemon
ENTRYPOINT ["/usr/bin/supervisord"]
CMD ["-n"]
WORKDIR src
CMD /usr/bin/supervisord -n
CMD ["/bin/bash", "-c", "echo \"quoted\" \u00e9"]
