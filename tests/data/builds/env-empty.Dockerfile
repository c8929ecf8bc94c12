FROM bb:1
ENV A= B="" C=''
ENV D=[$A] E=${A:-default} F=${NOPE:-default} G=${A:+x}
