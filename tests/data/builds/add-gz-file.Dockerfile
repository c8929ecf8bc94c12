FROM bb:1
ADD plain.gz /x/
