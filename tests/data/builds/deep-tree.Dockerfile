# compare: classic
FROM bb:1
RUN mkdir -p /a/b/c/d/e/f/g/h && touch /a/1 /a/b/2 /a/b/c/3 /a/b/c/d/e/f/g/h/8
RUN rm -r /a/b/c/d && mkdir -p /a/b/c/d/x
COPY d /a/b/c/d/
