FROM bb:1
COPY modes /modes
