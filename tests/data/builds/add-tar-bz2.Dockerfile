FROM bb:1
ADD arch.tar.bz2 /u/
