FROM bb:1
RUN mkdir -p /u/in && echo old > /u/in/file && echo own > /u/own
ADD arch.tar /u
