FROM bb:1
LABEL a=1 b=1
LABEL a=2
LABEL empty= other=""
