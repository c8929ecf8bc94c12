FROM bb:1
ADD a.txt /
ADD d /d
ADD *.txt /t/
