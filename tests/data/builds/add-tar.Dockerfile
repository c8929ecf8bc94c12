FROM bb:1
ADD arch.tar /u/
