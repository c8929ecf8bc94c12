FROM bb:1
RUN echo made:x:4242:4242::/home/made:/bin/sh >> /etc/passwd && mkdir /home/made && echo x > /home/made/f && chown 4242 /home/made/f
USER made
RUN id -u > /tmp/id
COPY --chown=4242:4242 a.txt /home/made/
