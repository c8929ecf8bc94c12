FROM bb:1
RUN echo x > /dev/shm/gone && echo y > /tmp/stays
