--> memory
;("x"):rep(1 << 40)
