FROM bb:1
COPY big.bin /
