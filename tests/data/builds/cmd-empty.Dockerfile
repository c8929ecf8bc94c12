FROM bb:1
CMD []
