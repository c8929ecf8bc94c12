FROM bb:1
CMD ['single', 'quotes']
