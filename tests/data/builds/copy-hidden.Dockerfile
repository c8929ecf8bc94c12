FROM bb:1
COPY .hidden /
COPY hid /hid
