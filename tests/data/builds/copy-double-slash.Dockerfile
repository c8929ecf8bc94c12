FROM bb:1
COPY a.txt //x//y//
COPY ./a.txt /./z/./f
