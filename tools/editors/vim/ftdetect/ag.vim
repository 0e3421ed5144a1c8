au BufRead,BufNewFile *.ag setfiletype ag
