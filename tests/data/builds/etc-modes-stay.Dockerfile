FROM bb:1
RUN true
RUN chmod 700 /etc && chown 3:4 /etc
RUN stat -c '%a %u:%g' /etc > /seen && touch /etc/x
COPY d /etc
RUN chmod 2755 /etc
RUN stat -c '%a %u:%g' /etc >> /seen && rm /etc/x
