FROM bb:1
COPY run.sh /usr/local/bin/
RUN run.sh > /result
