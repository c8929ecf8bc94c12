# compare: classic
FROM bb:1
ADD arch.tar arch2.tar /both/
