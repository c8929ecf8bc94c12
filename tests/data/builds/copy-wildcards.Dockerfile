FROM bb:1
COPY *.txt /t/
COPY d/?/* /q/
COPY [ab].txt /c/
