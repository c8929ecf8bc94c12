

FROM bb:1


ENV A=1

  # indented comment
   ENV B=2
