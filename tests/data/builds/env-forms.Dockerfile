FROM bb:1
ENV one two three
ENV A=1 B="2 3" C='4 5' D=6\ 7
ENV E=$A$B F="${A}-${C}" G='$A' H=\$A
