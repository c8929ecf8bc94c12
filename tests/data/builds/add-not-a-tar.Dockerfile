FROM bb:1
ADD not.tar.gz /n/
