FROM	bb:1
ENV	A=1	B=2
COPY	a.txt	/tab/
