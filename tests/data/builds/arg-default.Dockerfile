FROM bb:1
ARG A=one
ARG B
ENV X=$A Y=${B:-none} Z=${A:+set}
