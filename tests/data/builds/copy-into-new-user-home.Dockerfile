FROM bb:1
RUN echo app:x:4321:4321::/home/app:/bin/sh >> /etc/passwd && mkdir -p /home/app
COPY --chown=4321:4321 d /home/app/d
WORKDIR /home/app
