FROM scratch
ADD arch.tar /
