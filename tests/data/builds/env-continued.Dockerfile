FROM bb:1
ENV A=1 \
    B=2 \
    # a comment
    C="3 \
4"
