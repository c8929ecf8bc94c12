FROM bb:1
WORKDIR /srv
COPY a.txt .
COPY a.txt ./x/
COPY a.txt y
COPY d ..
