FROM bb:1
RUN mkdir -p /x/y && echo 1 > /x/y/f && ln -s y /x/l
RUN rm -r /x/y /x/l && echo file > /x/y && mkdir /x/l && mkfifo /x/p
