FROM bb:1 AS First
ENV A=1
FROM first AS second
ENV B=$A
FROM second
ENV C=$B
