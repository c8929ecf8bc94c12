FROM bb:1
RUN mkfifo /pipe && mknod /null2 c 1 3 && chmod 640 /null2
