FROM bb:1
ADD arch.tar.gz /u
