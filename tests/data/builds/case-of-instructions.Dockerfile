from bb:1
env A=1
Run echo x > /f
cOpY a.txt /
