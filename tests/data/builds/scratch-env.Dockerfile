FROM scratch
ENV A=1
COPY a.txt /
WORKDIR /w
