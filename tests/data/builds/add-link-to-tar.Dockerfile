FROM bb:1
ADD tarlink /t/
