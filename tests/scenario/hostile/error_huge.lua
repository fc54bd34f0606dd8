--> xxxx
error(("x"):rep(1 << 21))
