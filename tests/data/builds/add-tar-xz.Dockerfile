FROM bb:1
ADD arch.tar.xz /u/
