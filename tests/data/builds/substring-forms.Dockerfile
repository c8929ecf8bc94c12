FROM bb:1
ENV A=value
ENV B=${A} C=$A.x D=${A}x E=$A_x F=$A-x
