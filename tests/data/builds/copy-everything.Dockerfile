FROM bb:1
COPY . /all
