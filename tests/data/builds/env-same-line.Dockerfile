FROM bb:1
ENV A=old
ENV A=new B=$A
ENV C=$A
