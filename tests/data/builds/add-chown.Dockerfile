FROM bb:1
ADD --chown=5:6 a.txt /x
