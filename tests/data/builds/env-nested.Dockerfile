FROM bb:1
ENV A=x
ENV B=${A:-${C:-deep}} D=${E:-${A}}
