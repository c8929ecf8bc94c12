#syntax=docker/dockerfile:1
#escape=\
#check=error=false

	FROM   busybox   as   odd
	  # an indented comment
ENV   A="a b"   B='c d'   C=e\ f  \
      # inside
      D=${A:+set}${NOPE:-"x y"}


RUN echo a \

 && echo b   \   
 && echo c
LABEL  "a b"="c d" multi="line one \
line two"
COPY [ "with space", "/target dir/" ]
copy a b /c/
Volume   /x   /y
RUN ["echo", "json \u0041"]
RUN [echo, not json]
CMD echo end\