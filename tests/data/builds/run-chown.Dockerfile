FROM bb:1
RUN mkdir -p /o/p && touch /o/p/f && chown -R 12:34 /o && chown bob /o/p/f
