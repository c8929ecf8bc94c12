FROM bb:1
COPY a.txt b.txt run.sh /many/
